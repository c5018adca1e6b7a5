package metricset

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

func newSet() Set {
	set := New()
	promauto.With(set).NewCounter(prometheus.CounterOpts{Name: "packets_total"})
	return set
}

func TestSecondPartWaitsForTheFirst(t *testing.T) {
	registry := prometheus.NewRegistry()
	unregister, err := newSet().RegisterWith(registry, "node")
	if err != nil {
		t.Fatal(err)
	}
	const want = "register the metrics of the node: "
	if _, err := newSet().RegisterWith(registry, "node"); err == nil ||
		!strings.HasPrefix(err.Error(), want) {
		t.Errorf("while the first is registered: %v, want %s...", err, want)
	}
	unregister()
	if _, err := newSet().RegisterWith(registry, "node"); err != nil {
		t.Errorf("after the first has unregistered: %v", err)
	}
}

func TestNilRegistererCollectsNothing(t *testing.T) {
	unregister, err := newSet().RegisterWith(nil, "node")
	if err != nil {
		t.Fatal(err)
	}
	unregister()
}
