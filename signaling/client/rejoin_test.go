package client

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
)

// kill makes the server forget everybody and accept nobody, as if its process had been killed.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = true
	for _, p := range s.seats {
		_ = p.ws.CloseNow()
		s.killed = append(s.killed, p)
	}
	s.seats = nil
	s.stopped.Store(true)
}

// revive makes the server accept joins again.
func (s *server) revive() {
	s.with(func() { s.busy = false })
	s.stopped.Store(false)
}

// rejoining returns the configuration of a participant who can get tickets.
func (w *world) rejoining(ticket string) Config {
	cfg, _ := w.config(ticket)
	cfg.NewTicket = func(context.Context) (Ticket, error) {
		if w.server.stopped.Load() {
			return Ticket{}, errors.New("connection refused")
		}
		return Ticket{URL: cfg.URL, Ticket: ticket}, nil
	}
	return cfg
}

func TestClientJoinsAgainWhenTheServerWasKilled(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.joinWith(w.rejoining("candidate"))
		synctest.Wait()
		spoken := make(chan error, 1)
		go func() { spoken <- a.Speak(t.Context(), &words{left: 1500, samples: 960}) }()
		time.Sleep(5 * time.Second)
		w.server.kill()
		began := time.Now()
		_, err := a.Await(t.Context(), func(s State) bool { return s.Link == LinkReconnecting })
		must(t, err)
		if waited := time.Since(began); waited > 3*time.Second {
			t.Errorf("the loss was noticed after %v", waited)
		}
		time.Sleep(10 * time.Second)
		w.server.revive()
		began = time.Now()
		_, err = a.Await(t.Context(), func(s State) bool { return s.Link == LinkConnected })
		must(t, err)
		if waited := time.Since(began); waited > 5*time.Second {
			t.Errorf("back after %v", waited)
		}
		before := len(w.server.arrivals("candidate"))
		must(t, <-spoken)
		must(t, a.Finish(t.Context()))
		synctest.Wait()
		if s := a.Stats(); s.Rejoins != 1 || s.Resumes != 0 ||
			s.Sent.Packets+s.Sent.Failed != 1500 {
			t.Errorf("counted %+v", s)
		}
		if n := len(w.server.arrivals("candidate")) - before; n < 500 {
			t.Errorf("%d packets arrived after the rejoin", n)
		}
		told, sum := map[uint32]int{}, 0
		w.server.with(func() {
			for _, m := range w.server.sent { // a later message replaces an earlier one
				told[m.SSRC] = m.Packets
			}
		})
		for _, packets := range told {
			sum += packets
		}
		if len(told) != 2 || uint64(sum) != a.Stats().Sent.Packets {
			t.Errorf("the server was told of %v", told)
		}
		a.Close()
	})
}

// The server sends the client away and comes back after four seconds; or another one has the room
// at once.
func TestClientJoinsAgainWhenItsRoomMoves(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"at once": 0, "after a restart": 4 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			withNetwork(t, func(t *testing.T, w *world) {
				a := w.joinWith(w.rejoining("candidate"))
				synctest.Wait()
				spoken := make(chan error, 1)
				go func() { spoken <- a.Speak(t.Context(), &words{left: 500, samples: 960}) }()
				time.Sleep(2 * time.Second)
				p := w.server.seat("candidate")
				w.server.send(p.ws, protocol.Moving{Reason: "restarted"})
				synctest.Wait() // it has arrived
				w.server.kill()
				time.Sleep(away)
				began := time.Now()
				w.server.revive()
				_, err := a.Await(t.Context(), func(s State) bool {
					return s.rejoins == 1 && s.Link == LinkConnected
				})
				must(t, err)
				if waited := time.Since(began); waited > 3*time.Second {
					t.Errorf("back after %v", waited)
				}
				must(t, <-spoken)
				must(t, a.Finish(t.Context()))
				if n := w.server.count("resume"); n != 0 {
					t.Errorf("tried to resume %d times", n)
				}
				a.Close()
			})
		})
	}
}

// The first ticket is for a server that does not take the room, then there is none, then one that
// works.
func TestFirstJoinWaitsForAServer(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		cfg, _ := w.config("candidate")
		tickets := 0
		w.server.with(func() {
			w.server.refuse = &protocol.Error{
				Code: protocol.CodeOtherNode, Message: "not here", Fatal: true,
			}
		})
		a, err := JoinWithTickets(t.Context(), func(context.Context) (Ticket, error) {
			switch tickets++; tickets {
			case 1:
			case 2:
				return Ticket{}, &Problem{Status: http.StatusServiceUnavailable}
			default:
				w.server.with(func() { w.server.refuse = nil })
			}
			return Ticket{URL: cfg.URL, Ticket: "candidate"}, nil
		}, func(c *Config) { c.HTTPClient, c.Settings = cfg.HTTPClient, cfg.Settings })
		must(t, err)
		a.Close()
		gone := &Problem{Status: http.StatusConflict}
		if _, err := JoinWithTickets(t.Context(), func(context.Context) (Ticket, error) {
			return Ticket{}, gone
		}); !errors.Is(err, gone) || tickets != 3 {
			t.Errorf("after %d tickets, %v", tickets, err)
		}
	})
}

func TestClientJoinsAgainWhenItsMediaIsClosed(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a := w.joinWith(w.rejoining("candidate"))
		must(t, w.server.seat("candidate").pc.GracefulClose())
		w.server.with(func() { w.server.killed, w.server.seats = w.server.seats, nil })
		_, err := a.Await(t.Context(), func(s State) bool {
			return s.rejoins == 1 && s.Link == LinkConnected
		})
		must(t, err)
		a.Close()
	})
}

func TestClientJoinsAtTheServerThatHasTheRoom(t *testing.T) {
	elsewhere := protocol.Error{
		Code: protocol.CodeOtherNode, Message: "another server has the room", Fatal: true,
	}
	withNetwork(t, func(t *testing.T, w *world) {
		w.server.with(func() { w.server.refuse = &elsewhere })
		cfg := w.rejoining("candidate")
		getTicket, tickets := cfg.NewTicket, 0
		cfg.NewTicket = func(ctx context.Context) (Ticket, error) {
			if tickets++; tickets == 2 {
				w.server.with(func() { w.server.refuse = nil })
			}
			return getTicket(ctx)
		}
		a := w.joinWith(cfg)
		if s := a.Stats(); s.Rejoins != 0 || tickets != 2 {
			t.Errorf("joined with %d new tickets: %+v", tickets, s)
		}
		// Another server takes the room.
		p := w.server.seat("candidate")
		w.server.with(func() { w.server.killed, w.server.seats = w.server.seats, nil })
		w.server.send(p.ws, elsewhere)
		go func() { _ = p.ws.Close(4015, "") }()
		_, err := a.Await(t.Context(), func(s State) bool {
			return s.rejoins == 1 && s.Link == LinkConnected
		})
		must(t, err)
		if tickets != 3 {
			t.Errorf("joined again with %d new tickets", tickets)
		}
		a.Close()
	})
}

func TestClientDoesNotJoinAgain(t *testing.T) {
	for name, test := range map[string]struct {
		ticket error                  // of the new join
		end    protocol.ServerMessage // what ends the socket; nil: the seat is lost
		ended  bool                   // the play
	}{
		"after the play":           {ended: true},
		"to a room that is closed": {ticket: &Problem{Status: http.StatusConflict}},
		"when replaced": {
			end: protocol.Error{Code: protocol.CodeReplaced, Message: "elsewhere", Fatal: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			withNetwork(t, func(t *testing.T, w *world) {
				cfg := w.rejoining("candidate")
				if test.ticket != nil {
					cfg.NewTicket = func(context.Context) (Ticket, error) {
						return Ticket{}, test.ticket
					}
				}
				a := w.joinWith(cfg)
				if test.ended {
					must(t, a.Finish(t.Context()))
				}
				p := w.server.seat("candidate")
				if test.end != nil {
					w.server.send(p.ws, test.end)
				}
				w.server.with(func() { p.token = "other" })
				go func() { _ = p.ws.Close(websocket.StatusInternalError, "") }()
				<-a.Done()
				if a.Err() == nil || a.Stats().Rejoins != 0 {
					t.Errorf("ended with %v after %d joins", a.Err(), a.Stats().Rejoins)
				}
			})
		})
	}
}

// TestClientTellsItsCountWhenAnotherEndsThePlay ends the play while the patient speaks on.
func TestClientTellsItsCountWhenAnotherEndsThePlay(t *testing.T) {
	withNetwork(t, func(t *testing.T, w *world) {
		a, b := w.join("candidate"), w.join("patient")
		synctest.Wait()
		must(t, a.Start(t.Context()))
		must(t, b.Speak(t.Context(), &words{left: 50, samples: 960}))
		w.server.with(func() { w.server.sent = nil })
		must(t, a.Finish(t.Context()))
		synctest.Wait()
		want := b.SentStreams()
		w.server.with(func() {
			if len(want) != 1 || want[0].Packets != 50 ||
				!slices.Contains(w.server.sent, want[0]) {
				t.Errorf("the server was told %+v, the patient sent %+v", w.server.sent, want)
			}
		})
	})
}
