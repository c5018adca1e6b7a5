package speech

import (
	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics holds a worker's metrics.
type metrics struct {
	attempts prometheus.Gauge
	reports  prometheus.Counter
	failures prometheus.Counter
	afterEnd prometheus.Histogram

	unregister func() // lets another worker in the same process register
}

// newMetrics registers the metrics with reg, unless that is nil. A second worker on the same
// registerer fails until the first has unregistered.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	set := metricset.New()
	with := promauto.With(set)
	m := &metrics{
		attempts: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_speech_attempts", Help: "Attempts being analysed.",
		}),
		reports: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_speech_reports_total", Help: "Reports stored.",
		}),
		failures: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_speech_failures_total", Help: "Tries at an analysis that failed.",
		}),
		afterEnd: with.NewHistogram(prometheus.HistogramOpts{
			Name:    "bedside_speech_report_seconds",
			Help:    "Time from the end of an attempt's audio to its report.",
			Buckets: []float64{.05, .1, .2, .5, 1, 2, 5, 10},
		}),
	}
	var err error
	m.unregister, err = set.RegisterWith(reg, "speech worker")
	return m, err
}
