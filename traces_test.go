package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bedside/api/server"
	"bedside/configs"
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
	a := &App{cfg: configs.Config{Server: server.Config{OTLPEndpoint: collector.URL}}, log: slog.New(slog.DiscardHandler)}
	if err := a.openTraces(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, span := a.tracer.Start(context.Background(), "GET /api/scenarios")
	span.End()
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-sent; !strings.HasPrefix(got, "/v1/traces ") ||
		!strings.Contains(got, "GET /api/scenarios") || !strings.Contains(got, "bedside") {
		t.Errorf("sent %q", got)
	}
}

func TestNoTraces(t *testing.T) {
	a := &App{log: slog.New(slog.DiscardHandler)}
	if err := a.openTraces(t.Context()); err != nil || a.tracer != nil || len(a.closers) != 0 {
		t.Errorf("%v, %v, %d closers", err, a.tracer, len(a.closers))
	}
}
