package sfu

import (
	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics holds a node's metrics. The counters on the path of a packet are looked up once, so
// that counting is one atomic addition.
type metrics struct {
	rooms, participants                        prometheus.Gauge
	in, out                                    prometheus.Counter
	dropped                                    [dropCauses]prometheus.Counter
	nacksSent, nacksReceived, resent, repaired prometheus.Counter
	lost                                       [lossCauses]prometheus.Counter
	join                                       prometheus.Histogram

	unregister func() // lets another node in the same process register
}

// newMetrics registers the metrics with reg, unless that is nil. A second node on the same
// registerer fails until the first has unregistered.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	set := metricset.New()
	with := promauto.With(set)
	packets := with.NewCounterVec(prometheus.CounterOpts{
		Name: "bedside_sfu_packets_total",
		Help: "RTP packets received, and forwarded to a subscriber.",
	}, []string{"direction"})
	nacks := with.NewCounterVec(prometheus.CounterOpts{
		Name: "bedside_sfu_nacked_packets_total",
		Help: "Packets requested again: by this node (sent), by subscribers (received).",
	}, []string{"direction"})
	m := &metrics{
		rooms: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_sfu_rooms", Help: "Rooms on this node.",
		}),
		participants: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_sfu_participants", Help: "Participants on this node.",
		}),
		in:            packets.WithLabelValues("in"),
		out:           packets.WithLabelValues("out"),
		nacksSent:     nacks.WithLabelValues("sent"),
		nacksReceived: nacks.WithLabelValues("received"),
		resent: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_sfu_resent_packets_total", Help: "Packets sent again to a subscriber.",
		}),
		repaired: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_sfu_repaired_packets_total",
			Help: "Packets of publishers that arrived after this node had requested them.",
		}),
		join: with.NewHistogram(prometheus.HistogramOpts{
			Name:    "bedside_sfu_join_seconds",
			Help:    "Time from a participant's join to its connection.",
			Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}),
	}
	dropped := with.NewCounterVec(prometheus.CounterOpts{
		Name: "bedside_sfu_dropped_packets_total",
		Help: "RTP and RTCP packets dropped, by cause.",
	}, []string{"cause"})
	for cause := range dropCauses {
		m.dropped[cause] = dropped.WithLabelValues(cause.String())
	}
	lost := with.NewCounterVec(prometheus.CounterOpts{
		Name: "bedside_sfu_lost_packets_total",
		Help: "Packets of publishers that never arrived, by why they are no longer requested.",
	}, []string{"cause"})
	for cause := range lossCauses {
		m.lost[cause] = lost.WithLabelValues(cause.String())
	}
	var err error
	m.unregister, err = set.RegisterWith(reg, "media node")
	return m, err
}
