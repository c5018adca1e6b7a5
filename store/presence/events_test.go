package presence

import (
	"syscall"
	"testing"

	"bedside/store"
)

// subscriber records the events and connection changes that it receives.
type subscriber struct {
	events chan store.SessionEvent
	link   chan bool
}

func subscribe(p *Presence) subscriber {
	s := subscriber{events: make(chan store.SessionEvent, 16), link: make(chan bool, 16)}
	p.SubscribeSessionEvents(func(e store.SessionEvent) { s.events <- e },
		func(up bool) { s.link <- up })
	return s
}

func TestSessionEventsReachSubscribers(t *testing.T) {
	real := redisServer(t)
	inside := open(t, Config{})
	for name, pair := range map[string][2]*Presence{
		"inside": {inside, inside},
		"redis":  {open(t, Config{URL: real.url}), open(t, Config{URL: real.url})},
	} {
		t.Run(name, func(t *testing.T) {
			publisher, s := pair[0], subscribe(pair[1])
			if !<-s.link {
				t.Fatal("the first link change is a loss")
			}
			for _, n := range []store.SessionEvent{
				{SessionID: "one", Reason: "You signed out."}, {UserID: "somebody"},
			} {
				if err := publisher.PublishSessionEvent(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				if got := <-s.events; got != n {
					t.Errorf("received %+v, want %+v", got, n)
				}
			}
			bad := publisher.client.Publish(t.Context(), sessionChannel, "{")
			if err := bad.Err(); err != nil {
				t.Fatal(err)
			}
			last := store.SessionEvent{SessionID: "two"}
			if err := publisher.PublishSessionEvent(t.Context(), last); err != nil {
				t.Fatal(err)
			}
			if got := <-s.events; got != last {
				t.Errorf("after an unreadable event: received %+v, want %+v", got, last)
			}
		})
	}
}

func TestSubscriptionReportsRestartsOfRedis(t *testing.T) {
	real := redisServer(t)
	p := open(t, Config{URL: real.url})
	s := subscribe(p)
	for range 2 {
		if !<-s.link {
			t.Fatal("the link is down")
		}
		real.kill(t)
		if <-s.link {
			t.Fatal("the link is up without a Redis")
		}
		real.start(t)
	}
	if !<-s.link {
		t.Fatal("the link is not restored")
	}
	n := store.SessionEvent{SessionID: "one"}
	if err := p.PublishSessionEvent(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if got := <-s.events; got != n {
		t.Errorf("received %+v, want %+v", got, n)
	}
}

// TestSessionEventsResumeAfterAPauseOfRedis stops the Redis process. Its connections stay open,
// but nothing answers, as on a machine that is out of memory.
func TestSessionEventsResumeAfterAPauseOfRedis(t *testing.T) {
	t.Parallel() // it mostly waits
	real := redisServer(t)
	publisher, s := open(t, Config{URL: real.url}), subscribe(open(t, Config{URL: real.url}))
	if !<-s.link {
		t.Fatal("the first link change is a loss")
	}
	if err := real.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	n := store.SessionEvent{SessionID: "one"}
	if err := publisher.PublishSessionEvent(t.Context(), n); err == nil {
		t.Error("publishing succeeded while Redis was paused")
	}
	up := <-s.link
	if err := real.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if up || !<-s.link {
		t.Error("the link was not reported as lost, or not as restored")
	}
	if got := <-s.events; got != n {
		t.Errorf("received %+v, want %+v", got, n)
	}
}
