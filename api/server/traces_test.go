package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTracesAreSent(t *testing.T) {
	sent := make(chan string, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sent <- r.URL.Path + " " + string(body)
	}))
	defer collector.Close()
	traces, err := OpenTraces(t.Context(), collector.URL, "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := traces.Tracer().Start(context.Background(), "GET /api/scenarios")
	span.End()
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-sent; !strings.HasPrefix(got, "/v1/traces ") ||
		!strings.Contains(got, "GET /api/scenarios") || !strings.Contains(got, "bedside") {
		t.Errorf("sent %q", got)
	}
}

func TestNoTracesWithoutCollector(t *testing.T) {
	traces, err := OpenTraces(t.Context(), "", "v1", slog.New(slog.DiscardHandler))
	if err != nil || traces.Tracer() != nil {
		t.Errorf("%v, %v", traces.Tracer(), err)
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
