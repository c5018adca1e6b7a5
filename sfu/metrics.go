package sfu

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of a node. The counters of the media path are resolved once, so that counting is one
// atomic addition.
type metrics struct {
	rooms, participants                    prometheus.Gauge
	in, out, dropped                       prometheus.Counter
	nacksSent, nacksReceived, resent, lost prometheus.Counter
	join                                   prometheus.Histogram
	registered                             []prometheus.Collector
	registry                               prometheus.Registerer
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	packets := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "bedside_sfu_packets_total", Help: "RTP packets received, forwarded to a subscriber, and dropped.",
	}, []string{"direction"})
	nacks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "bedside_sfu_nacked_packets_total", Help: "Packets asked for again: by us of publishers (sent), by subscribers of us (received).",
	}, []string{"direction"})
	m := &metrics{
		registry: reg,
		rooms: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_sfu_rooms", Help: "Rooms on this node.",
		}),
		participants: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_sfu_participants", Help: "Participants on this node.",
		}),
		in:            packets.WithLabelValues("in"),
		out:           packets.WithLabelValues("out"),
		dropped:       packets.WithLabelValues("dropped"),
		nacksSent:     nacks.WithLabelValues("sent"),
		nacksReceived: nacks.WithLabelValues("received"),
		resent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_sfu_resent_packets_total", Help: "Packets sent again to a subscriber.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bedside_sfu_lost_packets_total", Help: "Packets of publishers that never came.",
		}),
		join: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "bedside_sfu_join_seconds", Help: "From the join to the connection of a participant.",
			Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.rooms, m.participants, packets, nacks, m.resent, m.lost, m.join,
	} {
		if err := reg.Register(c); err != nil {
			m.unregister()
			return nil, fmt.Errorf("metrics of the media server: %w", err)
		}
		m.registered = append(m.registered, c)
	}
	return m, nil
}

// unregister makes way for another node in the same process.
func (m *metrics) unregister() {
	for _, c := range m.registered {
		m.registry.Unregister(c)
	}
}
