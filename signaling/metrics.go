package signaling

import "github.com/prometheus/client_golang/prometheus"

// metrics of a hub. The registerer is the App's.
type metrics struct {
	reg        prometheus.Registerer
	rooms      prometheus.Gauge
	sockets    prometheus.Gauge
	turnedAway prometheus.Counter
	refused    *prometheus.CounterVec // by error code
	resumed    prometheus.Counter
	finished   *prometheus.CounterVec // plays, by reason
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		reg: reg,
		rooms: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_signaling_rooms", Help: "Live role plays.",
		}),
		sockets: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_signaling_sockets", Help: "Open WebSockets.",
		}),
		turnedAway: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_turned_away_total",
			Help: "Requests that did not become a WebSocket: origin, limits, shutdown.",
		}),
		refused: prometheus.NewCounterVec(
			prometheus.CounterOpts{
				Name: "bedside_signaling_errors_total", Help: "Errors told to clients, by code.",
			},
			[]string{"code"}),
		resumed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_resumes_total",
			Help: "Places taken up again on a new socket.",
		}),
		finished: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_signaling_plays_ended_total", Help: "Plays that ended, by reason.",
		},
			[]string{"reason"}),
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
	return []prometheus.Collector{
		m.rooms, m.sockets, m.turnedAway, m.refused, m.resumed, m.finished,
	}
}

func (m *metrics) unregister() {
	if m.reg == nil {
		return
	}
	for _, c := range m.all() {
		m.reg.Unregister(c)
	}
}
