package actor

import (
	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	playing    prometheus.Gauge
	waiting    prometheus.Gauge
	turns      *prometheus.CounterVec
	latency    prometheus.Histogram
	ended      *prometheus.CounterVec
	unregister func()
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	set := metricset.New()
	with := promauto.With(set)
	m := &metrics{
		playing: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_patients_playing", Help: "Automatic patients that play.",
		}),
		waiting: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_patients_waiting",
			Help: "Rooms that wait for a place for their automatic patient.",
		}),
		turns: with.NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_patient_turns_total",
			Help: "Turns of candidates, by what the automatic patient made of them.",
		}, []string{"outcome"}),
		latency: with.NewHistogram(prometheus.HistogramOpts{
			Name:    "bedside_patient_answer_seconds",
			Help:    "Time from the end of a turn's silence to the answer's arrival in the room.",
			Buckets: []float64{.01, .02, .05, .1, .2, .5, 1, 2},
		}),
		ended: with.NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_patients_ended_total", Help: "Actors that have ended, by why.",
		}, []string{"why"}),
	}
	var err error
	m.unregister, err = set.RegisterWith(reg, "actors")
	return m, err
}
