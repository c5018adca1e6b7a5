package speech

import "github.com/prometheus/client_golang/prometheus"

// metrics of a worker. The registerer is the App's.
type metrics struct {
	reg      prometheus.Registerer
	attempts prometheus.Gauge
	reports  prometheus.Counter
	failures prometheus.Counter
	afterEnd prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		reg: reg,
		attempts: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_speech_attempts", Help: "Attempts being listened to.",
		}),
		reports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_speech_reports_total", Help: "Reports handed in.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_speech_failures_total", Help: "Tries at an analysis that failed.",
		}),
		afterEnd: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "bedside_speech_report_seconds", Help: "From the end of an attempt's audio to its report.", Buckets: []float64{
				.05, .1, .2, .5, 1, 2, 5, 10,
			},
		}),
	}
	if reg == nil {
		return m, nil
	}
	for i, c := range m.all() {
		if err := reg.Register(c); err != nil {
			for _, done := range m.all()[:i] {
				reg.Unregister(done)
			}
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.attempts, m.reports, m.failures, m.afterEnd}
}

func (m *metrics) unregister() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all() {
		m.reg.Unregister(c)
	}
}
