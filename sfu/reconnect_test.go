package sfu

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"
)

// cable connects a host to the network. While it is pulled, no packet passes.
type cable struct{ out atomic.Bool }

func (c *cable) filter(host string) vnet.ChunkFilter {
	return func(chunk vnet.Chunk) bool {
		if !c.out.Load() {
			return true
		}
		from, to := chunk.SourceAddr().String(), chunk.DestinationAddr().String()
		return !touches(from, host) && !touches(to, host)
	}
}

// cabledNet adds a host whose cable can be pulled.
func (w *world) cabledNet() (*vnet.Net, *cable) {
	net, ip := w.net()
	c := &cable{}
	w.router.AddChunkFilter(c.filter(ip))
	return net, c
}

func touches(addr, host string) bool { return strings.HasPrefix(addr, host+":") }

func TestReconnectKeepsTheParticipant(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, c := w.cabledNet()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		other, _ := w.net()
		b := newClient(t, "bert", clientOption{network: other}).join(r, true)
		await(t, "anna connects", a.connected)
		await(t, "bert connects", b.connected)
		fromA := await(t, "anna's track at bert", b.tracks)
		fromB := await(t, "bert's track at anna", a.tracks)
		awaitPacket(t, a, fromA)

		c.out.Store(true)
		await(t, "the loss is reported", a.disconnected)
		if infos := r.Participants(); len(infos) != 2 || infos[0].Connected {
			t.Errorf("participants after the loss: %+v", infos)
		}
		c.out.Store(false)
		for len(a.negotiated) > 0 {
			<-a.negotiated
		}
		must(t, a.p.RestartICE(context.Background()))
		await(t, "the restart is negotiated", a.negotiated)
		await(t, "anna connects again", a.connected)
		for len(fromA.packets) > 0 {
			<-fromA.packets
		}
		awaitPacket(t, a, fromA) // on the same tracks
		awaitPacket(t, b, fromB)
		select {
		case reason := <-a.gone:
			t.Errorf("gone after a reconnect: %v", reason)
		case h := <-b.tracks:
			t.Errorf("a reconnect made a new track from %s", h.from)
		case <-time.After(time.Minute): // longer than the grace period
		}
		a.close()
		b.close()
	})
}

func TestParticipantLeavesAfterTheGracePeriod(t *testing.T) {
	withNetwork(t, Config{Grace: 20 * time.Second}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, c := w.cabledNet()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		other, _ := w.net()
		b := newClient(t, "bert", clientOption{network: other}).join(r, true)
		fromA := await(t, "anna's track at bert", b.tracks)
		awaitPacket(t, a, fromA)
		c.out.Store(true)
		await(t, "the loss is reported", a.disconnected)
		lost := time.Now()
		if reason := <-a.gone; !errors.Is(reason, ErrGraceExpired) {
			t.Errorf("gone because of %v, want ErrGraceExpired", reason)
		}
		if waited := time.Since(lost); waited != 20*time.Second {
			t.Errorf("gone after %v, want the grace period of 20s", waited)
		}
		await(t, "bert is offered a room without anna", b.negotiated)
		synctest.Wait()
		if infos := r.Participants(); len(infos) != 1 || infos[0].ID != "bert" {
			t.Errorf("participants: %+v", infos)
		}
		if err := a.p.RestartICE(context.Background()); !errors.Is(err, ErrGone) {
			t.Errorf("restart after the end: %v, want ErrGone", err)
		}
		a.close()
		b.close()
	})
}

func TestParticipantThatNeverConnectsLeaves(t *testing.T) {
	withNetwork(t, Config{Grace: 20 * time.Second}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, c := w.cabledNet()
		c.out.Store(true)
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		if reason := <-a.gone; !errors.Is(reason, ErrGraceExpired) {
			t.Errorf("gone because of %v, want ErrGraceExpired", reason)
		}
		a.close()
		time.Sleep(21 * time.Second)
		if n := w.node.RoomCount(); n != 0 {
			t.Errorf("%d rooms a grace period after the last participant has left, want none", n)
		}
	})
}

func TestClientClosesItsConnection(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, _ := w.net()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "anna connects", a.connected)
		synctest.Wait() // the client sends an alert only after its handshake
		began := time.Now()
		a.close()
		<-a.disconnected
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("the close was detected after %v, not by its DTLS alert", waited)
		}
		if err := a.p.RestartICE(context.Background()); !errors.Is(err, ErrClosedByClient) {
			t.Errorf("restart of a closed connection: %v, want ErrClosedByClient", err)
		}
		if reason := <-a.gone; !errors.Is(reason, ErrGraceExpired) {
			t.Errorf("gone because of %v, want ErrGraceExpired", reason)
		}
	})
}
