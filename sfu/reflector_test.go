package sfu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"
)

// candidateLines returns SDP lines that name n ports of a host.
func candidateLines(n int, host string) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "a=candidate:%d 1 udp %d %s %d typ host\r\n", i, 1000+i, host, 7000+i)
	}
	return lines.String()
}

// stranger is a host that takes no part in a room. It counts the packets that the server sends to
// it or to an address that reaches many hosts.
func (w *world) stranger() (ip string, packets *atomic.Int64) {
	_, ip = w.net()
	packets = &atomic.Int64{}
	w.router.AddChunkFilter(func(c vnet.Chunk) bool {
		to, _, err := net.SplitHostPort(c.DestinationAddr().String())
		if err == nil && (to == ip || to == "255.255.255.255" || to == "224.0.0.1") {
			packets.Add(1)
		}
		return true
	})
	return ip, packets
}

func TestNothingIsSentToAddressesThatAClientNames(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		ip, packets := w.stranger()
		offer := plainOffer + candidateLines(maxCandidates-2, ip) +
			candidateLines(1, "255.255.255.255") + candidateLines(1, "224.0.0.1")
		p, _, err := r.Join(context.Background(), Identity{ID: "anna", Publish: true}, offer,
			&stuckHandler{release: closed()})
		must(t, err)
		for i := range maxCandidates {
			must(t, p.AddCandidate(context.Background(), webrtc.ICECandidateInit{
				Candidate: fmt.Sprintf("candidate:1 1 udp 1 %s %d typ host", ip, 8000+i),
			}))
		}
		<-p.Done() // the grace period has passed
		synctest.Wait()
		if n := packets.Load(); n != 0 {
			t.Errorf("the server sent %d packets to a stranger, want none", n)
		}
	})
}

func TestRestartFindsAClientAtAnotherAddress(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		network, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"10.0.0.80", "10.0.0.81"}})
		must(t, err)
		must(t, w.router.AddNet(network))
		var gone atomic.Value // the address that no longer works
		gone.Store("")
		var latest atomic.Value // from which the client has sent
		w.router.AddChunkFilter(func(c vnet.Chunk) bool {
			from, to := c.SourceAddr().String(), c.DestinationAddr().String()
			if strings.HasPrefix(from, "10.0.0.8") {
				latest.Store(strings.SplitN(from, ":", 2)[0])
			}
			host := gone.Load().(string)
			return host == "" || !touches(from, host) && !touches(to, host)
		})
		a := newClient(t, "anna", clientOption{network: network}).join(r, true)
		other, _ := w.net()
		b := newClient(t, "bert", clientOption{network: other}).join(r, true)
		await(t, "anna connects", a.connected)
		fromA := await(t, "anna's track at bert", b.tracks)
		awaitPacket(t, a, fromA)

		gone.Store(latest.Load())
		await(t, "the loss is reported", a.disconnected)
		must(t, a.p.RestartICE(context.Background()))
		await(t, "anna connects again", a.connected)
		awaitPacket(t, a, fromA)
		if latest.Load() == gone.Load() {
			t.Errorf("anna still sends from %v", gone.Load())
		}
		a.close()
		b.close()
	})
}

func TestNothingIsSentToAddressesInAnAnswer(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		ip, packets := w.stranger()
		network, _ := w.net()
		a := newClient(t, "anna", clientOption{network: network, hold: true}).join(r, true)
		await(t, "anna connects", a.connected)
		must(t, a.p.RestartICE(context.Background()))
		restart := await(t, "the offer of the restart", a.offers)
		answer, err := a.reply(restart.sdp, func(webrtc.ICECandidateInit) {})
		must(t, err)
		must(t, a.p.Answer(context.Background(), restart.id, answer+candidateLines(20, ip)))
		time.Sleep(time.Minute)
		if n := packets.Load(); n != 0 {
			t.Errorf("the server sent %d packets to a stranger, want none", n)
		}
		a.close()
	})
}

func TestDescriptionsWithTooManyCandidatesAreRefused(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		ip, packets := w.stranger()
		_, _, err := r.Join(context.Background(), Identity{ID: "anna", Publish: true},
			plainOffer+candidateLines(700, ip), &stuckHandler{release: closed()})
		if !errors.Is(err, ErrTooManyCandidates) {
			t.Errorf("join with 700 candidates: %v, want ErrTooManyCandidates", err)
		}
		network, _ := w.net()
		a := newClient(t, "anna", clientOption{network: network, hold: true}).join(r, true)
		await(t, "anna connects", a.connected)
		must(t, a.p.RestartICE(context.Background()))
		restart := await(t, "the offer of the restart", a.offers)
		answer, err := a.reply(restart.sdp, func(webrtc.ICECandidateInit) {})
		must(t, err)
		err = a.p.Answer(context.Background(), restart.id, answer+candidateLines(700, ip))
		if !errors.Is(err, ErrTooManyCandidates) {
			t.Errorf("answer with 700 candidates: %v, want ErrTooManyCandidates", err)
		}
		must(t, a.p.Answer(context.Background(), restart.id, answer)) // it may be corrected
		if n := packets.Load(); n != 0 {
			t.Errorf("the server sent %d packets to a stranger, want none", n)
		}
		a.close()
	})
}
