package sfu

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsRegisterAgainAfterTheFirstNodeClosed(t *testing.T) {
	reg := prometheus.NewRegistry()
	first, err := NewNode(Config{IncludeLoopback: true}, quiet(), reg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewNode(Config{IncludeLoopback: true}, quiet(), reg); err == nil {
		t.Error("a second node registered while the first was open")
	}
	if err := first.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	second, err := NewNode(Config{IncludeLoopback: true}, quiet(), reg)
	if err != nil {
		t.Fatalf("a node after the first was closed: %v", err)
	}
	if err := second.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
