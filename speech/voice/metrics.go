package voice

import (
	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics holds the metrics of the voices.
type metrics struct {
	rendered   *prometheus.HistogramVec
	failures   *prometheus.CounterVec
	unregister func()
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	set := metricset.New()
	with := promauto.With(set)
	m := &metrics{
		rendered: with.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "bedside_voice_render_seconds",
			Help:    "Time to render a line of an automatic patient, by voice.",
			Buckets: []float64{.02, .05, .1, .2, .5, 1, 2, 5, 10},
		}, []string{"voice"}),
		failures: with.NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_voice_failures_total",
			Help: "Lines that a voice could not speak, so that the next voice was asked.",
		}, []string{"voice"}),
	}
	var err error
	m.unregister, err = set.RegisterWith(reg, "voices")
	return m, err
}
