package bus

import "github.com/prometheus/client_golang/prometheus"

// metrics of a bus. The registerer is the App's.
type metrics struct {
	reg       prometheus.Registerer
	published prometheus.Counter
	dropped   prometheus.Counter
	retried   prometheus.Counter
	malformed prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		reg: reg,
		published: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_frames_published_total", Help: "Opus frames put into the log.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_frames_dropped_total",
			Help: "Opus frames dropped because the log did not keep up.",
		}),
		retried: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_publish_retries_total",
			Help: "Messages that NATS did not take at once.",
		}),
		malformed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_messages_malformed_total",
			Help: "Jobs and messages of the log that could not be read and were passed over.",
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
	return []prometheus.Collector{m.published, m.dropped, m.retried, m.malformed}
}

func (m *metrics) unregister() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all() {
		m.reg.Unregister(c)
	}
}
