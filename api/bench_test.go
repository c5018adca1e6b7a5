package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkOperations compares each frequent operation with bare chi and pgx, which check the
// signature of a token, run the one query that is necessary, and encode the same JSON. For both it
// reports the CPU time of this process for a request and the median time until the response, and
// their ratios.
//
// With BEDSIDE_BENCH_DATA, a folder, the database has 100,000 users and 1,000,000 attempts. It is
// made when it is not there. Otherwise the database is a small one.
func BenchmarkOperations(b *testing.B) {
	f := newBenchFixture(b)
	for _, op := range f.operations(b) {
		b.Run(op.name, func(b *testing.B) { compare(b, op.ours, op.bare) })
	}
}

// client makes one kind of request to a handler.
type client struct {
	handler http.Handler
	request func() *http.Request // the next one
	handle  func(*httptest.ResponseRecorder)
}

// compare alternates between the two in small blocks of requests, so that other load on the
// machine affects both.
func compare(b *testing.B, ours, bare client) {
	const block = 10
	var spent [2]time.Duration
	var took [2][]time.Duration
	for _, c := range []client{ours, bare} { // warm up: pools, prepared statements and their plans
		for range block {
			c.send(b)
		}
	}
	for b.Loop() {
		for i, c := range []client{ours, bare} {
			before := cpu(b)
			for range block {
				took[i] = append(took[i], c.send(b))
			}
			spent[i] += cpu(b) - before
		}
	}
	each := func(i int) float64 {
		return float64(spent[i].Nanoseconds()) / 1000 / float64(len(took[i]))
	}
	p50 := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2].Nanoseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each(0), "cpu-us")
	b.ReportMetric(each(1), "bare-cpu-us")
	b.ReportMetric(each(0)/each(1), "times-cpu")
	b.ReportMetric(p50(0), "p50-us")
	b.ReportMetric(p50(1), "bare-p50-us")
	b.ReportMetric(p50(0)/p50(1), "times-p50")
}

// send makes a request and returns the time until the end of the response.
func (c client) send(b *testing.B) time.Duration {
	r := c.request()
	ctx, cancel := context.WithCancel(b.Context()) // as net/http does
	defer cancel()
	r = r.WithContext(ctx)
	w := httptest.NewRecorder()
	began := time.Now()
	c.handler.ServeHTTP(w, r)
	took := time.Since(began)
	if w.Code >= 300 {
		b.Fatal(r.Method, r.URL, w.Code, w.Body)
	}
	if c.handle != nil {
		c.handle(w)
	}
	return took
}

// get returns a client that repeats a request.
func get(h http.Handler, path, authorization string) client {
	return client{handler: h, request: func() *http.Request {
		r := newRequest("GET", path, authorization, nil)
		if strings.HasSuffix(path, "/report") { // it is stored compressed
			r.Header.Set("Accept-Encoding", "gzip")
		}
		return r
	}}
}

func newRequest(method, path, authorization string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Authorization", authorization)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// sameJSON fails the benchmark unless both answer with the same body.
func sameJSON(b *testing.B, name string, ours, bare client) {
	b.Helper()
	var bodies [2]string
	for i, c := range []client{ours, bare} {
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, c.request())
		bodies[i] = fmt.Sprint(w.Code, " ", w.Body)
	}
	if bodies[0] != bodies[1] {
		b.Fatalf("%s:\n%.2000s\nbare:\n%.2000s", name, bodies[0], bodies[1])
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
