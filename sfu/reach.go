package sfu

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pion/stun/v4"
)

// probeEvery is how often a probe is sent until it is answered: a datagram may be lost.
const probeEvery = 200 * time.Millisecond

// ErrUnreachable is returned by Node.Reachable when the UDP port did not answer.
var ErrUnreachable = errors.New("the UDP port for media does not answer")

// Reachable sends a STUN request from another socket to the node's UDP port, as a client's ICE
// does, and waits until ctx ends for the answer. The request has a name that exists during this
// call only, so that nobody else can get answers. Of several addresses one must answer. A firewall
// outside of this machine is not noticed.
func (n *Node) Reachable(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the probes of the other addresses
	addrs := n.listener.mux.GetListenAddresses()
	results := make(chan error, len(addrs))
	for _, addr := range addrs {
		go func() { results <- n.probe(ctx, addr) }()
	}
	var errs []error
	reached := false
	for range addrs {
		switch err := <-results; {
		case err == nil:
			reached = true
			cancel()
		case !reached:
			errs = append(errs, err)
		}
	}
	if reached {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, errors.Join(errs...))
}

// probe returns nil when an address of the node answers.
func (n *Node) probe(ctx context.Context, addr net.Addr) error {
	name, key := rand.Text(), stun.NewShortTermIntegrity(rand.Text())
	conn, err := n.listener.mux.GetConn(name, addr)
	if err != nil {
		return err
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		answerProbes(conn, key)
	}()
	defer func() {
		n.listener.mux.RemoveConnByUfrag(name)
		conn.Close()
		<-answered
	}()
	return n.sendProbes(ctx, addr, name, key)
}

// sendProbes sends requests until one is answered or ctx ends.
func (n *Node) sendProbes(ctx context.Context, addr net.Addr, name string,
	key stun.MessageIntegrity) error {
	socket, err := n.network.Dial("udp", addr.String())
	if err != nil {
		return err
	}
	defer socket.Close()
	request, err := stun.Build(stun.BindingRequest, stun.TransactionID,
		stun.NewUsername(name+":probe"), key, stun.Fingerprint)
	if err != nil {
		return err
	}
	var buf [1500]byte
	for ctx.Err() == nil {
		// An error, such as a refused connection, may pass until the next try.
		_, sendErr := socket.Write(request.Raw)
		if err := socket.SetReadDeadline(time.Now().Add(probeEvery)); err != nil {
			return err
		}
		size, err := socket.Read(buf[:])
		answer := &stun.Message{Raw: buf[:size]}
		switch {
		case err == nil && answer.Decode() == nil && answer.Type == stun.BindingSuccess &&
			answer.TransactionID == request.TransactionID && key.Check(answer) == nil:
			return nil
		case sendErr != nil || err != nil && !isTimeout(err):
			// It failed at once: wait as long as for an answer.
			select {
			case <-time.After(probeEvery):
			case <-ctx.Done():
			}
		}
	}
	return fmt.Errorf("%v: %w", addr, context.Cause(ctx))
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// answerProbes answers requests that are signed with the key, until conn is closed.
func answerProbes(conn net.PacketConn, key stun.MessageIntegrity) {
	var buf [1500]byte
	for {
		size, from, err := conn.ReadFrom(buf[:])
		if err != nil {
			return
		}
		request := &stun.Message{Raw: buf[:size]}
		if request.Decode() != nil || request.Type != stun.BindingRequest ||
			key.Check(request) != nil {
			continue
		}
		answer, err := stun.Build(request, stun.BindingSuccess, key, stun.Fingerprint)
		if err != nil {
			continue
		}
		_, _ = conn.WriteTo(answer.Raw, from) // a lost answer is requested again
	}
}
