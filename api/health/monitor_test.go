package health_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bedside/api/health"

	"github.com/prometheus/client_golang/prometheus"
)

var errBroken = errors.New("dial tcp 10.1.2.3:5432, password hunter2")

// switchable is a check that fails while it is broken and counts its runs.
type switchable struct {
	broken atomic.Bool
	runs   atomic.Int32
}

func (s *switchable) check(name string) health.Check {
	return health.Check{Name: name, Run: func(context.Context) error {
		s.runs.Add(1)
		if s.broken.Load() {
			return errBroken
		}
		return nil
	}}
}

func monitor(t *testing.T, log *slog.Logger, checks ...health.Check) *health.Monitor {
	t.Helper()
	m, err := health.New(health.Config{Version: "v1"}, log, nil, checks...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ask requests /health/ready.
func ask(t *testing.T, m *health.Monitor) (code int, a health.Answer, body string) {
	t.Helper()
	w := request(t, m, "/health/ready")
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return w.Code, a, w.Body.String()
}

func request(t *testing.T, m *health.Monitor, url string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.Ready(w, httptest.NewRequestWithContext(t.Context(), "GET", url, nil))
	return w
}

func TestReadinessOfSomeParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var database, redis switchable
		redis.broken.Store(true)
		m := monitor(t, slog.New(slog.DiscardHandler), database.check("database"),
			redis.check("redis"))
		defer m.Close(t.Context())
		expect := func(query string, want int) {
			t.Helper()
			if got := request(t, m, "/health/ready?parts="+query).Code; got != want {
				t.Errorf("parts=%s: %d, want %d", query, got, want)
			}
		}
		expect("", 503)
		expect("database", 200)
		expect("redis", 503)
		expect("database,redis", 503)
		expect("nosuch", 400)
		m.Drain()
		expect("database", 503)
	})
}

func TestReadyNamesThePartAndSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var one, two switchable
		m := monitor(t, slog.New(slog.NewTextHandler(&log, nil)), one.check("database"),
			two.check("udp"))
		defer m.Close(t.Context())
		began := time.Now().UTC()
		code, a, _ := ask(t, m)
		if code != 200 || a.Status != health.OK || a.Version != "v1" || len(a.Parts) != 2 ||
			a.Parts["udp"] != (health.Part{Status: health.OK, Since: began}) {
			t.Fatalf("all parts work: %d %+v", code, a)
		}
		time.Sleep(3 * time.Second)
		one.broken.Store(true)
		time.Sleep(5 * time.Second)
		code, a, body := ask(t, m)
		failed := a.Parts["database"]
		if code != 503 || a.Status != health.Down || failed.Status != health.Down ||
			failed.Since.Sub(began) != 4*time.Second || a.Parts["udp"].Status != health.OK {
			t.Errorf("five seconds after a part broke: %d %+v", code, a)
		}
		if strings.Contains(body, "10.1.2.3") || strings.Contains(body, "hunter2") {
			t.Errorf("the answer tells strangers: %s", body)
		}
		one.broken.Store(false)
		time.Sleep(5 * time.Second)
		if code, a, _ := ask(t, m); code != 200 || a.Parts["database"].Status != health.OK {
			t.Errorf("after the repair: %d %+v", code, a)
		}
		synctest.Wait()
		if strings.Count(log.String(), "hunter2") != 1 ||
			strings.Count(log.String(), "works again") != 1 {
			t.Errorf("the log has not one line for each change:\n%s", log.String())
		}
	})
}

func TestReadyRunsNoChecksOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var part switchable
		m := monitor(t, slog.New(slog.DiscardHandler), part.check("part"))
		defer m.Close(t.Context())
		for range 1000 {
			ask(t, m)
		}
		time.Sleep(9 * time.Second)
		if n := part.runs.Load(); n != 5 {
			t.Errorf("%d checks in nine seconds and 1000 requests, want one every two seconds", n)
		}
	})
}

func TestHungCheckCountsAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var runs atomic.Int32
		var other switchable
		m := monitor(t, slog.New(slog.DiscardHandler), other.check("other"), health.Check{
			Name: "disk", Run: func(context.Context) error {
				if runs.Add(1) == 2 {
					<-hang // although its context has ended
				}
				return nil
			},
		})
		defer m.Close(t.Context())
		if code, a, _ := ask(t, m); code != 200 {
			t.Fatalf("at the start: %d %+v", code, a)
		}
		time.Sleep(2*time.Second - time.Nanosecond)
		for range 3 {
			time.Sleep(5 * time.Second)
			if code, a, _ := ask(t, m); code != 503 || a.Parts["disk"].Status != health.Down ||
				a.Parts["other"].Status != health.OK {
				t.Errorf("while a check hangs: %d %+v", code, a)
			}
		}
		if n := runs.Load(); n != 2 {
			t.Errorf("%d checks ran, although the second hangs", n)
		}
		close(hang)
		time.Sleep(2 * time.Second)
		if code, a, _ := ask(t, m); code != 200 {
			t.Errorf("after it ended: %d %+v", code, a)
		}
	})
}

func TestSlowFirstCheckIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := monitor(t, slog.New(slog.DiscardHandler), health.Check{
			Name: "slow", Run: func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			},
		})
		defer m.Close(t.Context())
		before := time.Now()
		if code, a, _ := ask(t, m); code != 503 || time.Since(before) != 2*time.Second {
			t.Errorf("%d %+v after %v", code, a, time.Since(before))
		}
	})
}

func TestDrainingIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var part switchable
		m := monitor(t, slog.New(slog.DiscardHandler), part.check("part"))
		defer m.Close(t.Context())
		time.Sleep(time.Second)
		since := time.Now().UTC()
		m.Drain()
		time.Sleep(time.Second)
		m.Drain()
		want := health.Part{Status: health.Draining, Since: since}
		code, a, _ := ask(t, m)
		if code != 503 || a.Status != health.Draining || a.Parts["draining"] != want {
			t.Errorf("%d %+v", code, a)
		}
		w := httptest.NewRecorder()
		m.Live(w, nil)
		if w.Code != 200 {
			t.Errorf("/health: %d", w.Code)
		}
		part.broken.Store(true)
		time.Sleep(4 * time.Second)
		if _, a, _ := ask(t, m); a.Status != health.Down {
			t.Errorf("with a broken part: %+v", a)
		}
	})
}

func TestMetricsOfParts(t *testing.T) {
	var good, bad switchable
	bad.broken.Store(true)
	reg := prometheus.NewRegistry()
	m, err := health.New(health.Config{}, slog.New(slog.DiscardHandler), reg, good.check("good"),
		bad.check("bad"))
	if err != nil {
		t.Fatal(err)
	}
	ask(t, m)
	if got := gauges(t, reg); !maps.Equal(got, map[string]float64{"good": 1, "bad": 0}) {
		t.Errorf("metrics %v", got)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := gauges(t, reg); len(got) != 0 {
		t.Errorf("metrics after Close: %v", got)
	}
}

// gauges returns the values of bedside_part_ready by part.
func gauges(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "bedside_part_ready" {
				all[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return all
}

func TestDiskWithoutSpace(t *testing.T) {
	dir := t.TempDir()
	if err := health.Disk("disk", dir, 1).Run(t.Context()); err != nil {
		t.Error(err)
	}
	err := health.Disk("disk", dir, 1<<62).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "MB left") {
		t.Errorf("with an absurd minimum: %v", err)
	}
	if err := health.Disk("disk", dir+"/none", 0).Run(t.Context()); err == nil {
		t.Error("a folder that does not exist has passed")
	}
	if err := (health.Config{MinFree: -1}).Validate(); err == nil {
		t.Error("a negative minimum has passed")
	}
}
