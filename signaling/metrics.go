package signaling

import (
	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics holds a hub's metrics.
type metrics struct {
	rooms      prometheus.Gauge
	sockets    prometheus.Gauge
	turnedAway prometheus.Counter
	refused    *prometheus.CounterVec // by error code
	resumed    prometheus.Counter
	finished   *prometheus.CounterVec // plays, by reason
	moved      prometheus.Counter
	lost       prometheus.Counter

	actorCalls     prometheus.Counter
	actorsReplaced prometheus.Counter
	staleActs      prometheus.Counter

	unregister func() // lets another hub in the same process register
}

// newMetrics registers the metrics with reg, unless that is nil. A second hub on the same
// registerer fails until the first has unregistered.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	set := metricset.New()
	with := promauto.With(set)
	m := &metrics{
		rooms: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_signaling_rooms", Help: "Live role plays.",
		}),
		sockets: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_signaling_sockets", Help: "Open WebSockets.",
		}),
		turnedAway: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_turned_away_total",
			Help: "Requests that did not become a WebSocket: origin, limits, shutdown.",
		}),
		refused: with.NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_signaling_errors_total", Help: "Errors sent to clients, by code.",
		}, []string{"code"}),
		resumed: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_resumes_total",
			Help: "Participants that resumed on a new socket.",
		}),
		finished: with.NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_signaling_plays_ended_total", Help: "Plays that ended, by reason.",
		}, []string{"reason"}),
		moved: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_moves_total",
			Help: "Role plays that were left to another server, or to this one after a restart.",
		}),
		lost: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_rooms_lost_total",
			Help: "Rooms that stopped because another server had taken them.",
		}),
		actorCalls: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_actor_calls_total",
			Help: "Actors of automatic patients that rooms have called.",
		}),
		actorsReplaced: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_actors_replaced_total",
			Help: "Actors that were replaced in the middle of their part.",
		}),
		staleActs: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_signaling_stale_acts_total",
			Help: "Acts that were refused, because another actor plays the patient.",
		}),
	}
	var err error
	m.unregister, err = set.RegisterWith(reg, "hub")
	return m, err
}
