package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"bedside/store"
)

func TestMediaOriginsOfNodes(t *testing.T) {
	now := time.Now()
	var nodes []store.MediaNode
	var fault error
	m := &mediaOrigins{
		nodes: func(context.Context) ([]store.MediaNode, error) { return nodes, fault },
		clock: func() time.Time { return now }, log: slog.New(slog.DiscardHandler),
		settings: []string{"wss://*.media.example"},
	}
	want := func(what string, origins ...string) {
		t.Helper()
		origins = append([]string{"wss://*.media.example"}, origins...)
		if got := m.origins(t.Context()); !slices.Equal(got, origins) {
			t.Errorf("%s: %q, want %q", what, got, origins)
		}
	}
	want("without nodes")
	nodes = []store.MediaNode{
		{Endpoint: "wss://b.example/ws"}, {}, {Endpoint: "wss://a.example:8443/ws"},
		{Endpoint: "wss://b.example/other"},
	}
	want("before the list is read again")
	now = now.Add(originsEvery)
	both := []string{"wss://a.example:8443", "wss://b.example"}
	want("with nodes", both...)
	nodes, fault = nil, errors.New("no Redis")
	now = now.Add(originsEvery)
	want("without Redis", both...)
	now = now.Add(originsKept - originsEvery)
	want("an hour later", both...)
	now = now.Add(originsEvery)
	want("later still")
}
