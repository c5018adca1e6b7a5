// Package metricset registers the Prometheus metrics of one part of the server as a set. Parts in
// every layer use it, so it imports nothing of ours.
//
// A set is registered and unregistered as a whole, so that a part which is closed leaves nothing
// behind: a test, or a restart in the same process, can open the part again. For example:
//
//	set := metricset.New()
//	rooms := promauto.With(set).NewGauge(...)
//	unregister, err := set.RegisterWith(registerer, "media node")
package metricset

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Set holds the metrics of one part. The part adds them with promauto.With.
type Set struct{ *prometheus.Registry }

// New returns an empty set.
func New() Set { return Set{prometheus.NewRegistry()} }

// RegisterWith adds the set to a registerer, which may be nil: then nothing collects the metrics.
// owner names the part in the error, which is returned while another part with the same metrics
// is registered. The part calls unregister when it closes.
func (s Set) RegisterWith(registerer prometheus.Registerer, owner string) (unregister func(),
	err error) {
	if registerer == nil {
		return func() {}, nil
	}
	if err := registerer.Register(s.Registry); err != nil {
		return nil, fmt.Errorf("register the metrics of the %s: %w", owner, err)
	}
	return func() { registerer.Unregister(s.Registry) }, nil
}
