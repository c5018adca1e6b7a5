package client

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
	"github.com/pion/rtp"
)

func TestParticipantsReceiveEachOther(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		var packets atomic.Int64
		cfg, _ := w.config("patient")
		cfg.OnRTP = func(from string, p *rtp.Packet) {
			if from != "candidate" || len(p.Payload) != 4 {
				t.Errorf("%d bytes from %q", len(p.Payload), from)
			}
			packets.Add(1)
		}
		b := w.joinWith(cfg)
		o := w.join("observer")
		synctest.Wait()
		if p, ok := a.State().Peer(protocol.RolePatient); !ok || p.Name != "Name of patient" ||
			len(a.State().Peers) != 2 {
			t.Errorf("the candidate's peers are %+v", a.State().Peers)
		}
		if b.ID() != "patient" || b.Role() != protocol.RolePatient || b.Room() != "room" {
			t.Errorf("joined as %s (%s) in %s", b.ID(), b.Role(), b.Room())
		}
		spoken := make(chan error, 1)
		go func() { spoken <- b.Speak(t.Context(), &words{left: 50, samples: 960}) }()
		must(t, a.Speak(t.Context(), &words{left: 100, samples: 960}))
		must(t, <-spoken)
		synctest.Wait()
		if n := packets.Load(); n != 100 {
			t.Errorf("the patient received %d packets, want 100", n)
		}
		if r := a.Stats().Received["patient"]; r.Packets != 50 || r.Lost != 0 || r.Bytes != 200 ||
			r.FirstAt.IsZero() {
			t.Errorf("the candidate counted %+v", r)
		}
		if r := o.Stats().Received; len(r) != 2 || r["candidate"].Packets != 100 ||
			r["patient"].Packets != 50 {
			t.Errorf("the observer counted %+v", r)
		}
		must(t, b.Leave(t.Context()))
		if err := b.Err(); err != nil {
			t.Errorf("after leaving: %v", err)
		}
		synctest.Wait()
		if len(a.State().Peers) != 1 {
			t.Errorf("the candidate's peers are still %+v", a.State().Peers)
		}
		a.Close()
		o.Close()
	})
}

func TestLossIsCounted(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, cable := w.config("candidate")
		a := w.joinWith(cfg)
		b := w.join("patient")
		synctest.Wait()
		spoken := make(chan error, 1)
		go func() { spoken <- a.Speak(t.Context(), &words{left: 100, samples: 960}) }()
		time.Sleep(500 * time.Millisecond)
		cable.drop.Store(7)
		must(t, <-spoken)
		synctest.Wait()
		if r := b.Stats().Received["candidate"]; r.Packets != 93 || r.Lost != 7 {
			t.Errorf("counted %+v", r)
		}
		a.Close()
		b.Close()
	})
}

func TestRolePlay(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, _ := w.config("candidate")
		var links []Link
		var messages []string
		cfg.OnLink = func(l Link) { links = append(links, l) }
		cfg.OnMessage = func(m protocol.ServerMessage) {
			messages = append(messages, protocol.TypeOf(m))
		}
		a := w.joinWith(cfg)
		w.server.with(func() { w.server.refusing = protocol.CodeWrongState })
		var refusal *Refusal
		if err := a.Finish(t.Context()); !errors.As(err, &refusal) ||
			refusal.Code != protocol.CodeWrongState {
			t.Errorf("finish before the start: %v", err)
		}
		w.server.with(func() { w.server.refusing = "" })
		must(t, a.Start(t.Context()))
		if a.State().Phase.Name != protocol.PhasePlaying {
			t.Errorf("started: %+v", a.State().Phase)
		}
		must(t, a.Speak(t.Context(), &words{left: 50, samples: 960}))
		before := time.Now()
		must(t, a.Finish(t.Context()))
		if waited := time.Since(before); waited != transit-20*time.Millisecond {
			t.Errorf("finish waited %v for the last packet, sent 20ms before", waited)
		}
		if err := a.Start(t.Context()); err == nil {
			t.Error("started a play that had ended")
		}
		select {
		case <-a.Reported():
			t.Error("reported too early")
		default:
		}
		w.server.with(func() {
			w.server.broadcast(
				protocol.Speaking{
					Speakers: []protocol.Speaker{{ParticipantID: "patient", Level: 0.5}},
				},
				nil)
			w.server.broadcast(protocol.Report{
				AttemptID: "room", Status: protocol.ReportReady,
			}, nil)
		})
		<-a.Reported()
		if r := a.State().Report; r == nil || r.Status != protocol.ReportReady ||
			len(a.State().Speakers) != 1 {
			t.Errorf("state: %+v", a.State())
		}
		go func() {
			_ = w.server.seat("candidate").ws.Close(websocket.StatusNormalClosure,
				"the role play is over")
		}()
		<-a.Done()
		if err := a.Err(); err != nil {
			t.Errorf("error after a normal end: %v", err)
		}
		if want := []Link{LinkConnected, LinkClosed}; !slices.Equal(links, want) {
			t.Errorf("links %v, want %v", links, want)
		}
		if want := []string{
			"error", "phase", "phase", "speaking", "report",
		}; !slices.Equal(messages, want) {
			t.Errorf("messages %v, want %v", messages, want)
		}
		if _, err := a.Await(t.Context(), func(State) bool {
			return false
		}); !errors.Is(err, ErrClosed) {
			t.Errorf("waiting at the end: %v", err)
		}
	})
}

func TestResumeKeepsTheMedia(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		b := w.join("patient")
		synctest.Wait()
		spoken := make(chan error, 1)
		go func() { spoken <- a.Speak(t.Context(), &words{left: 500, samples: 960}) }()
		time.Sleep(time.Second)
		w.server.with(func() { w.server.busy = true })
		w.server.dropSocket("candidate")
		started := make(chan error, 1)
		go func() { started <- a.Start(t.Context()) }()
		time.Sleep(5 * time.Second)
		if l := a.State().Link; l != LinkReconnecting {
			t.Errorf("the link is %s without a socket", l)
		}
		w.server.with(func() { w.server.busy = false })
		must(t, <-started)
		must(t, <-spoken)
		synctest.Wait()
		if l := a.State().Link; l != LinkConnected {
			t.Errorf("the link is %s after the resume", l)
		}
		if s := a.Stats(); s.Resumes != 1 || s.ICERestarts != 0 || s.Sent.Packets != 500 {
			t.Errorf("counted %+v", s)
		}
		if r := b.Stats().Received["candidate"]; r.Packets != 500 || r.Lost != 0 ||
			r.Streams != 1 {
			t.Errorf("the patient counted %+v", r)
		}
		w.server.dropSocket("candidate") // with the newer token
		_, err := a.Await(t.Context(), func(s State) bool { return s.seats == 3 })
		must(t, err)
		a.Close()
		b.Close()
	})
}

func TestSilentSocketIsResumed(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		w.server.with(func() { w.server.silent = true })
		began := time.Now()
		_, err := a.Await(t.Context(), func(s State) bool { return s.Link == LinkReconnecting })
		must(t, err)
		if waited := time.Since(began); waited < pingEvery || waited > 3*time.Second {
			t.Errorf("noticed after %v", waited)
		}
		_, err = a.Await(t.Context(), func(s State) bool { return s.seats == 2 })
		must(t, err)
		w.server.with(func() { w.server.silent = false })
		time.Sleep(time.Minute)
		if n := a.State().seats; n != 2 {
			t.Errorf("%d seats after a quiet minute, want 2", n)
		}
		a.Close()
	})
}

func TestClientEndsWhenTheGracePeriodIsOver(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		spoken := make(chan error, 1)
		go func() { spoken <- a.Speak(t.Context(), &words{left: 5000, samples: 960}) }()
		time.Sleep(time.Second)
		w.server.with(func() { w.server.busy = true })
		began := time.Now()
		w.server.dropSocket("candidate")
		if err := <-spoken; !errors.Is(err, ErrLost) {
			t.Errorf("speaking: %v", err)
		}
		if waited := time.Since(began); waited != 20*time.Second {
			t.Errorf("gave up after %v, want the grace period", waited)
		}
		if err := a.Err(); !errors.Is(err, ErrLost) {
			t.Errorf("the end: %v", err)
		}
		var p *Problem
		if !errors.As(a.Err(), &p) || p.Status != http.StatusServiceUnavailable ||
			p.Detail != "too many connections" {
			t.Errorf("the cause: %v", a.Err())
		}
		if err := a.Start(t.Context()); !errors.Is(err, ErrLost) {
			t.Errorf("starting afterwards: %v", err)
		}
	})
}

func TestClientEndsWhenItsSeatIsGone(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		w.server.with(func() { w.server.seats[0].token = "other" })
		w.server.dropSocket("candidate")
		<-a.Done()
		var r *Refusal
		if err := a.Err(); !errors.Is(err, ErrLost) || !errors.As(err, &r) ||
			r.Code != protocol.CodeResumeUnknown {
			t.Errorf("the end: %v", err)
		}
	})
}

func TestLostMediaIsRestored(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, cable := w.config("candidate")
		a := w.joinWith(cfg)
		b := w.join("patient")
		synctest.Wait()
		cable.out.Store(true)
		_, err := a.Await(t.Context(), func(s State) bool { return s.Link == LinkReconnecting })
		must(t, err)
		_, err = a.Await(t.Context(), func(s State) bool { return s.restarts > 0 })
		must(t, err)
		cable.out.Store(false)
		_, err = a.Await(t.Context(), func(s State) bool { return s.Link == LinkConnected })
		must(t, err)
		// a restart that was requested before may still follow, and interrupts the media
		time.Sleep(10 * time.Second)
		must(t, a.Speak(t.Context(), &words{left: 50, samples: 960}))
		synctest.Wait()
		if r := b.Stats().Received["candidate"]; r.Packets != 50 || r.Streams != 1 {
			t.Errorf("afterwards the patient counted %+v", r)
		}
		restarts := a.Stats().ICERestarts
		time.Sleep(time.Minute)
		if n := a.Stats().ICERestarts; n != restarts {
			t.Errorf("%d restarts while the media was connected", n-restarts)
		}
		a.Close()
		b.Close()
	})
}

func TestMediaAndSocketAreRestoredTogether(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, cable := w.config("candidate")
		a := w.joinWith(cfg)
		// the DTLS handshake must be complete on the server too: repeating it takes long
		synctest.Wait()
		cable.out.Store(true)
		w.server.with(func() { w.server.busy = true })
		w.server.dropSocket("candidate")
		time.Sleep(10 * time.Second)
		cable.out.Store(false)
		w.server.with(func() { w.server.busy = false })
		_, err := a.Await(t.Context(), func(s State) bool {
			return s.seats == 2 && s.Link == LinkConnected
		})
		must(t, err)
		must(t, a.Speak(t.Context(), &words{left: 50, samples: 960}))
		synctest.Wait()
		if n := len(w.server.arrivals("candidate")); n != 50 {
			t.Errorf("%d packets arrived afterwards", n)
		}
		a.Close()
	})
}

func TestServerEndsTheParticipant(t *testing.T) {
	for _, test := range []struct {
		name    string
		message protocol.ServerMessage
		code    websocket.StatusCode
		want    func(error) bool
	}{
		{"replaced", protocol.Error{
			Code: protocol.CodeReplaced, Message: "elsewhere", Fatal: true,
		}, 4011, func(err error) bool {
			var r *Refusal
			return errors.As(err, &r) && r.Code == protocol.CodeReplaced
		}},
		{
			"session ended, with the close code only", nil, 4012,
			func(err error) bool { return err != nil && !errors.Is(err, ErrLost) },
		},
		{
			"closing", protocol.Closing{Reason: "maintenance"}, websocket.StatusGoingAway,
			func(err error) bool { return errors.Is(err, ErrServerClosing) },
		},
		{
			"moving", protocol.Moving{Reason: "maintenance"}, websocket.StatusServiceRestart,
			func(err error) bool { return errors.Is(err, ErrServerClosing) },
		},
		{
			"moving, with the close code only", nil, websocket.StatusServiceRestart,
			func(err error) bool { return errors.Is(err, ErrServerClosing) },
		},
		{"over", nil, websocket.StatusNormalClosure, func(err error) bool { return err == nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			withNetwork(t, func(t *testing.T, w *world) {
				a := w.join("candidate")
				p := w.server.seat("candidate")
				if test.message != nil {
					w.server.send(p.ws, test.message)
				}
				go func() { _ = p.ws.Close(test.code, "") }()
				<-a.Done()
				if err := a.Err(); !test.want(err) {
					t.Errorf("the end: %v", err)
				}
				if n := w.server.count("resume"); n != 0 {
					t.Errorf("resumed %d times", n)
				}
			})
		})
	}
}

func TestSlowClientResumes(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		p := w.server.seat("candidate")
		w.server.send(p.ws, protocol.Error{
			Code: protocol.CodeSlow, Message: "no answer", Fatal: true,
		})
		code := websocket.StatusCode(protocol.CloseCode(protocol.CodeSlow))
		go func() { _ = p.ws.Close(code, "") }()
		_, err := a.Await(t.Context(), func(s State) bool { return s.seats == 2 })
		must(t, err)
		a.Close()
	})
}

func TestServerClosesTheMedia(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		must(t, w.server.seat("candidate").pc.GracefulClose())
		<-a.Done()
		if err := a.Err(); !errors.Is(err, ErrLost) {
			t.Errorf("the end: %v", err)
		}
	})
}

func TestJoinFails(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, _ := w.config("candidate")
		w.server.with(func() {
			w.server.refuse = &protocol.Error{
				Code: protocol.CodeTicketExpired, Message: "too late", Fatal: true,
			}
		})
		var r *Refusal
		if _, err := Join(t.Context(), cfg); !errors.As(err, &r) ||
			r.Code != protocol.CodeTicketExpired {
			t.Errorf("refused: %v", err)
		}
		w.server.with(func() { w.server.refuse, w.server.busy = nil, true })
		var p *Problem
		if _, err := Join(t.Context(), cfg); !errors.As(err, &p) ||
			p.Status != http.StatusServiceUnavailable {
			t.Errorf("busy: %v", err)
		}
		for _, bad := range []Config{{}, {URL: "ftp://x/ws", Ticket: "t"}, {URL: "ws://x/ws"}} {
			if _, err := Join(t.Context(), bad); err == nil {
				t.Errorf("no error with %+v", bad)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Join(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

func TestLeaveWithoutSocket(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.join("candidate")
		w.server.with(func() { w.server.busy = true })
		w.server.dropSocket("candidate")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("leaving: %v", err)
		}
		select {
		case <-a.Done():
		default:
			t.Error("not released")
		}
		a.Close() // again
	})
}

func TestClientEndsWhenTheMediaStaysLost(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, cable := w.config("candidate")
		a := w.joinWith(cfg)
		cable.out.Store(true)
		<-a.Done()
		if err := a.Err(); !errors.Is(err, ErrLost) {
			t.Errorf("the end: %v", err)
		}
		if n := a.Stats().ICERestarts; n < 3 {
			t.Errorf("%d tries", n)
		}
	})
}
