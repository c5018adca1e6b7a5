package presence

import (
	"syscall"
	"testing"

	"bedside/store"
)

// follower keeps what it is told.
type follower struct {
	news chan store.SessionEvent
	link chan bool
}

func follow(p *Presence) follower {
	f := follower{news: make(chan store.SessionEvent, 16), link: make(chan bool, 16)}
	p.SubscribeSessionEvents(func(n store.SessionEvent) { f.news <- n }, func(up bool) { f.link <- up })
	return f
}

func TestSessionNews(t *testing.T) {
	real := redisServer(t)
	inside := open(t, Config{})
	for name, pair := range map[string][2]*Presence{
		"inside": {inside, inside},
		"redis":  {open(t, Config{URL: real.url}), open(t, Config{URL: real.url})},
	} {
		t.Run(name, func(t *testing.T) {
			teller, listener := pair[0], follow(pair[1])
			if !<-listener.link {
				t.Fatal("the link was lost before it was made")
			}
			for _, n := range []store.SessionEvent{
				{SessionID: "one", Reason: "You signed out."}, {UserID: "somebody"},
			} {
				if err := teller.PublishSessionEvent(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				if got := <-listener.news; got != n {
					t.Errorf("told %+v, want %+v", got, n)
				}
			}
			if err := teller.client.Publish(t.Context(), sessionChannel, "{").Err(); err != nil {
				t.Fatal(err)
			}
			last := store.SessionEvent{SessionID: "two"}
			if err := teller.PublishSessionEvent(t.Context(), last); err != nil {
				t.Fatal(err)
			}
			if got := <-listener.news; got != last {
				t.Errorf("after nonsense: told %+v, want %+v", got, last)
			}
		})
	}
}

func TestLostNewsAreNoticed(t *testing.T) {
	real := redisServer(t)
	p := open(t, Config{URL: real.url})
	f := follow(p)
	for range 2 {
		if !<-f.link {
			t.Fatal("the link is lost")
		}
		real.kill(t)
		if <-f.link {
			t.Fatal("the link is there without a Redis")
		}
		real.start(t)
	}
	if !<-f.link {
		t.Fatal("the link does not come back")
	}
	n := store.SessionEvent{SessionID: "one"}
	if err := p.PublishSessionEvent(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if got := <-f.news; got != n {
		t.Errorf("told %+v, want %+v", got, n)
	}
}

// TestNewsAfterAStandstill stops Redis as a machine that is out of memory does: connections stay,
// and nothing answers.
func TestNewsAfterAStandstill(t *testing.T) {
	t.Parallel() // it waits for most of its time
	real := redisServer(t)
	teller, f := open(t, Config{URL: real.url}), follow(open(t, Config{URL: real.url}))
	if !<-f.link {
		t.Fatal("the link was lost before it was made")
	}
	if err := real.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	n := store.SessionEvent{SessionID: "one"}
	if err := teller.PublishSessionEvent(t.Context(), n); err == nil {
		t.Error("Redis took news while it stood still")
	}
	up := <-f.link
	if err := real.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if up || !<-f.link {
		t.Error("the link is not lost, or does not come back")
	}
	if got := <-f.news; got != n {
		t.Errorf("told %+v, want %+v", got, n)
	}
}
