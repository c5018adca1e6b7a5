package sfu

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"
)

// cable can be pulled.
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

func touches(addr, host string) bool { return len(addr) > len(host) && addr[:len(host)+1] == host+":" }

func TestReconnectInPlace(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, ip := w.net()
		var c cable
		w.router.AddChunkFilter(c.filter(ip))
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		other, _ := w.net()
		b := newClient(t, "bert", clientOption{network: other}).join(r, true)
		await(t, "anna connects", a.connected)
		await(t, "bert connects", b.connected)
		fromA := await(t, "anna's track at bert", b.tracks)
		fromB := await(t, "bert's track at anna", a.tracks)
		hears(t, a, fromA)

		c.out.Store(true)
		await(t, "the loss is told", a.disconnected)
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
		hears(t, a, fromA) // the same track at both ends
		hears(t, b, fromB)
		select {
		case reason := <-a.gone:
			t.Errorf("gone after a reconnect: %v", reason)
		case h := <-b.tracks:
			t.Errorf("a reconnect made a new track from %s", h.from)
		case <-time.After(time.Minute): // the grace has long passed
		}
		a.close()
		b.close()
	})
}

func TestGraceExpires(t *testing.T) {
	inWorld(t, Config{Grace: 20 * time.Second}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, ip := w.net()
		var c cable
		w.router.AddChunkFilter(c.filter(ip))
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		other, _ := w.net()
		b := newClient(t, "bert", clientOption{network: other}).join(r, true)
		fromA := await(t, "anna's track at bert", b.tracks)
		hears(t, a, fromA)
		c.out.Store(true)
		await(t, "the loss is told", a.disconnected)
		lost := time.Now()
		if reason := <-a.gone; !errors.Is(reason, ErrGraceExpired) {
			t.Errorf("gone because %v, want the grace", reason)
		}
		if waited := time.Since(lost); waited != 20*time.Second {
			t.Errorf("gone after %v, want the grace of 20s", waited)
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

func TestNeverConnects(t *testing.T) {
	inWorld(t, Config{Grace: 20 * time.Second}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, ip := w.net()
		var c cable
		c.out.Store(true)
		w.router.AddChunkFilter(c.filter(ip))
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		if reason := <-a.gone; !errors.Is(reason, ErrGraceExpired) {
			t.Errorf("gone because %v, want the grace", reason)
		}
		a.close()
		time.Sleep(21 * time.Second)
		if n := w.node.RoomCount(); n != 0 {
			t.Errorf("%d rooms a grace after the last has left, want none", n)
		}
	})
}

func TestClientClosesItsConnection(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, _ := w.net()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "anna connects", a.connected)
		synctest.Wait() // the handshake must be over for the client too, for it to send an alert
		began := time.Now()
		a.close()
		<-a.disconnected
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("the end of the connection was noticed after %v, not from its DTLS alert", waited)
		}
		if err := a.p.RestartICE(context.Background()); !errors.Is(err, ErrClosedByClient) {
			t.Errorf("restart of a closed connection: %v, want ErrClosedByClient", err)
		}
		if reason := <-a.gone; !errors.Is(reason, ErrGraceExpired) {
			t.Errorf("gone because %v, want the grace", reason)
		}
	})
}
