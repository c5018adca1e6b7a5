package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"
)

// fakeAPI is a REST server with one account. It renews tokens; a test sets its other responses.
type fakeAPI struct {
	t *testing.T
	http.ServeMux

	mu       sync.Mutex
	valid    string // access token
	refresh  string
	grants   int
	revoked  bool
	answered map[string]int // requests by "METHOD path"
}

func withFakeAPI(t *testing.T, test func(t *testing.T, o *fakeAPI, r *REST)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &fakeAPI{t: t, answered: map[string]int{}}
		o.HandleFunc("POST /auth/login", func(w http.ResponseWriter, r *http.Request) {
			var in map[string]string
			must(t, json.NewDecoder(r.Body).Decode(&in))
			if in["password"] != "bedside-demo" {
				refuse(w, 401, "wrong-credentials", "The address or the password is wrong.")
				return
			}
			o.grant(w)
		})
		o.HandleFunc("POST /auth/refresh", func(w http.ResponseWriter, r *http.Request) {
			var in map[string]string
			must(t, json.NewDecoder(r.Body).Decode(&in))
			o.mu.Lock()
			ok := in["refresh_token"] == o.refresh && !o.revoked
			o.mu.Unlock()
			if !ok {
				refuse(w, 401, "session-ended", "The session has ended: sign in again.")
				return
			}
			o.grant(w)
		})
		hc, stop := serve(t, o)
		r, err := NewREST("http://api/", hc)
		must(t, err)
		test(t, o, r)
		stop()
	})
}

func (o *fakeAPI) grant(w http.ResponseWriter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.grants++
	o.valid, o.refresh = fmt.Sprintf("access-%d", o.grants), fmt.Sprintf("refresh-%d", o.grants)
	fmt.Fprintf(w,
		`{"access_token":%q,"token_type":"Bearer","expires_in":600,"refresh_token":%q,`+
			`"user":{"id":"u","name":"Dana","role":"candidate"}}`,
		o.valid, o.refresh)
}

func (o *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.answered[r.Method+" "+r.URL.Path]++
	ok := strings.HasPrefix(r.URL.Path, "/auth/") ||
		r.Header.Get("Authorization") == "Bearer "+o.valid
	o.mu.Unlock()
	if !ok {
		refuse(w, 401, "expired", "This has expired.")
		return
	}
	o.ServeMux.ServeHTTP(w, r)
}

func (o *fakeAPI) count(request string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.answered[request]
}

func refuse(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"urn:bedside:problem:%s","title":%q,"status":%d,"detail":%q,`+
		`"errors":[{"message":"analysing","location":"state"}]}`,
		code, http.StatusText(status), status, detail)
}

func signIn(t *testing.T, r *REST) {
	t.Helper()
	u, err := r.SignIn(t.Context(), "candidate@demo.bedside", "bedside-demo")
	must(t, err)
	if u.Name != "Dana" {
		t.Errorf("signed in as %+v", u)
	}
}

func TestRESTFromSignInToTicket(t *testing.T) {
	withFakeAPI(t, func(t *testing.T, o *fakeAPI, r *REST) {
		o.HandleFunc("GET /api/scenarios", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w,
				`{"items":[{"slug":"knee","title":"The knee","prepare_seconds":180,`+
					`"play_seconds":300}]}`)
		})
		o.HandleFunc("POST /api/attempts", func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			must(t, err)
			if string(b) != `{"consent":true,"scenario":"knee"}` ||
				r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("attempt requested with %s as %s", b, r.Header.Get("Content-Type"))
			}
			w.WriteHeader(201)
			fmt.Fprint(w, `{"id":"a1","state":"created","scenario":{"slug":"knee"}}`)
		})
		o.HandleFunc("POST /api/attempts/{id}/ticket", func(w http.ResponseWriter,
			r *http.Request) {
			w.WriteHeader(201)
			fmt.Fprintf(w,
				`{"url":"/ws","ticket":"for %s","role":"observer","ice_servers":`+
					`[{"urls":["turn:x"],"username":"u","credential":"c"}]}`,
				r.PathValue("id"))
		})
		o.HandleFunc("GET /api/rooms", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"items":[{"attempt_id":"a1","waiting":true}]}`)
		})
		o.HandleFunc("GET /api/attempts/{id}/audio/{speaker}",
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "OggS") })
		if _, err := r.Scenarios(t.Context()); !errors.Is(err, ErrNotSignedIn) {
			t.Errorf("before signing in: %v", err)
		}
		signIn(t, r)
		list, err := r.Scenarios(t.Context())
		must(t, err)
		if len(list) != 1 || list[0].Slug != "knee" || list[0].PlaySeconds != 300 {
			t.Errorf("scenarios: %+v", list)
		}
		a, err := r.CreateAttempt(t.Context(), "knee")
		must(t, err)
		ticket, err := r.Ticket(t.Context(), a.ID, protocol.RoleObserver)
		must(t, err)
		if ticket.URL != "ws://api/ws" || ticket.Ticket != "for a1" {
			t.Errorf("ticket: %+v", ticket)
		}
		if cfg := ticket.Config(); !cfg.Listen || cfg.URL != ticket.URL ||
			cfg.ICEServers[0].Username != "u" {
			t.Errorf("config: %+v", cfg)
		}
		rooms, err := r.Rooms(t.Context())
		must(t, err)
		if len(rooms) != 1 || !rooms[0].Waiting {
			t.Errorf("rooms: %+v", rooms)
		}
		var sound bytes.Buffer
		n, err := r.Audio(t.Context(), "a1", "candidate", &sound)
		must(t, err)
		if n != 4 || sound.String() != "OggS" {
			t.Errorf("%d bytes of sound: %q", n, sound.String())
		}
	})
}

func TestTokensAreRenewed(t *testing.T) {
	withFakeAPI(t, func(t *testing.T, o *fakeAPI, r *REST) {
		o.HandleFunc("GET /api/scenarios", func(w http.ResponseWriter,
			_ *http.Request) {
			fmt.Fprint(w, `{"items":[]}`)
		})
		signIn(t, r)
		ask := func() {
			t.Helper()
			_, err := r.Scenarios(t.Context())
			must(t, err)
		}
		ask()
		if n := o.count("POST /auth/refresh"); n != 0 {
			t.Errorf("renewed %d times at once", n)
		}
		time.Sleep(9*time.Minute + 31*time.Second) // 29 s before it expires
		ask()
		if n := o.count("POST /auth/refresh"); n != 1 {
			t.Errorf("renewed %d times before the end, want 1", n)
		}
		o.mu.Lock()
		o.valid = "another" // as after a restart of the server with another key
		o.mu.Unlock()
		var all sync.WaitGroup
		for range 8 {
			all.Go(ask)
		}
		all.Wait()
		if n := o.count("POST /auth/refresh"); n != 2 {
			t.Errorf("eight requests renewed %d times, want once", n-1)
		}
		o.mu.Lock()
		o.valid, o.revoked = "another", true
		o.mu.Unlock()
		var p *Problem
		if _, err := r.Scenarios(t.Context()); !errors.As(err, &p) || p.Code() != "session-ended" {
			t.Errorf("a session that has ended: %v", err)
		}
	})
}

func TestRetriesOnlyWhenItIsSafe(t *testing.T) {
	withFakeAPI(t, func(t *testing.T, o *fakeAPI, r *REST) {
		status, retryAfter := 0, ""
		failing := 0
		answer := func(w http.ResponseWriter, _ *http.Request) {
			if failing > 0 {
				failing--
				w.Header().Set("Retry-After", retryAfter)
				refuse(w, status, "limit", "Wait.")
				return
			}
			fmt.Fprint(w, `{"id":"a1"}`)
		}
		o.HandleFunc("GET /api/attempts/a1", answer)
		o.HandleFunc("POST /api/attempts", answer)
		signIn(t, r)
		get := func() error { _, err := r.Attempt(t.Context(), "a1"); return err }
		create := func() error { _, err := r.CreateAttempt(t.Context(), "knee"); return err }
		for _, test := range []struct {
			name    string
			status  int
			retry   string
			failing int
			call    func() error
			good    bool
			least   time.Duration
		}{
			{"a read while a part is away", 503, "1", 3, get, true, 3 * time.Second},
			{"a read that is rate-limited", 429, "20", 2, get, true, 40 * time.Second},
			{"a creation that was not begun", 429, "2", 1, create, true, 2 * time.Second},
			{"a creation that may have happened", 503, "1", 1, create, false, 0},
			{"a wait that is too long", 429, "3600", 1, get, false, 0},
			{"an outage", 503, "1", 100, get, false, 5 * time.Second},
			{"an error", 500, "", 1, get, false, 0},
		} {
			status, retryAfter, failing = test.status, test.retry, test.failing
			began := time.Now()
			err := test.call()
			if (err == nil) != test.good {
				t.Errorf("%s: %v", test.name, err)
			}
			if took := time.Since(began); took < test.least || took > test.least+30*time.Second {
				t.Errorf("%s: took %v", test.name, took)
			}
			var p *Problem
			if !test.good && (!errors.As(err, &p) || p.Status != test.status) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		status, retryAfter, failing = 429, "60", 100
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.Attempt(ctx, "a1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut short: %v", err)
		}
	})
}

func TestErrorsDescribeTheProblem(t *testing.T) {
	withFakeAPI(t, func(t *testing.T, o *fakeAPI, r *REST) {
		_, err := r.SignIn(t.Context(), "candidate@demo.bedside", "wrong")
		want := "POST /auth/login: Unauthorized (401): The address or the password is wrong. " +
			"[state: analysing]"
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		signIn(t, r)
		o.HandleFunc("GET /api/scenarios", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "bad gateway", http.StatusBadGateway)
		})
		var p *Problem
		if _, err := r.Scenarios(t.Context()); !errors.As(err, &p) ||
			p.Status != http.StatusBadGateway || p.Detail != "bad gateway" {
			t.Errorf("from a proxy: %v", err)
		}
		o.HandleFunc("GET /api/rooms", func(w http.ResponseWriter,
			_ *http.Request) {
			fmt.Fprint(w, "<html>")
		})
		if _, err := r.Rooms(t.Context()); err == nil {
			t.Error("no error for a page instead of rooms")
		}
		o.HandleFunc("GET /api/attempts/long", func(w http.ResponseWriter, _ *http.Request) {
			w.Write(make([]byte, maxAnswer+1)) //nolint:errcheck
		})
		if _, err := r.Attempt(t.Context(), "long"); !errors.Is(err, ErrTooLong) {
			t.Errorf("a long answer: %v", err)
		}
		for _, bad := range []string{"", "localhost:8080", "ftp://x", "http://"} {
			if _, err := NewREST(bad, nil); err == nil {
				t.Errorf("no error for the address %q", bad)
			}
		}
	})
}

func TestWaitReport(t *testing.T) {
	withFakeAPI(t, func(t *testing.T, o *fakeAPI, r *REST) {
		var mu sync.Mutex
		status, code := 404, "report-pending"
		set := func(s int, c string) {
			mu.Lock()
			defer mu.Unlock()
			status, code = s, c
		}
		o.HandleFunc("GET /api/attempts/a1/report", func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if status == 200 {
				fmt.Fprint(w, `{"attempt_id":"a1"}`)
				return
			}
			refuse(w, status, code, "Not yet.")
		})
		signIn(t, r)
		type result struct {
			report json.RawMessage
			err    error
		}
		wait := func(ready <-chan struct{}) <-chan result {
			c := make(chan result, 1)
			go func() {
				report, err := r.WaitReport(t.Context(), "a1", ready)
				c <- result{report, err}
			}()
			return c
		}

		ready := make(chan struct{})
		waiting := wait(ready)
		time.Sleep(10*time.Second + 10*time.Millisecond)
		synctest.Wait()
		set(200, "")
		began := time.Now()
		close(ready)
		if got := <-waiting; got.err != nil || string(got.report) != `{"attempt_id":"a1"}` ||
			time.Since(began) != 0 {
			t.Errorf("after the notification: %s, %v after %v", got.report, got.err,
				time.Since(began))
		}

		set(503, "unavailable")
		waiting = wait(nil)
		time.Sleep(time.Minute)
		set(200, "")
		if got := <-waiting; got.err != nil {
			t.Errorf("after an outage: %v", got.err)
		}

		set(404, "report-failed")
		if got := <-wait(nil); !errors.Is(got.err, ErrNoReport) ||
			!strings.Contains(got.err.Error(), "Not yet.") {
			t.Errorf("failed: %v", got.err)
		}
		set(404, "not-found")
		var p *Problem
		if got := <-wait(nil); !errors.As(got.err, &p) || p.Code() != "not-found" {
			t.Errorf("of another: %v", got.err)
		}
		set(404, "report-pending")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := r.WaitReport(ctx, "a1", nil); !errors.Is(err, context.DeadlineExceeded) ||
			!errors.As(err, &p) {
			t.Errorf("cut short: %v", err)
		}
	})
}

func TestSignOut(t *testing.T) {
	withFakeAPI(t, func(t *testing.T, o *fakeAPI, r *REST) {
		o.HandleFunc("POST /auth/logout", func(w http.ResponseWriter,
			_ *http.Request) {
			w.WriteHeader(204)
		})
		must(t, r.SignOut(t.Context()))
		signIn(t, r)
		must(t, r.SignOut(t.Context()))
		if _, err := r.Rooms(t.Context()); !errors.Is(err, ErrNotSignedIn) {
			t.Errorf("after signing out: %v", err)
		}
		if n := o.count("POST /auth/logout"); n != 1 {
			t.Errorf("signed out %d times", n)
		}
	})
}
