package bus

import (
	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics holds a bus's metrics.
type metrics struct {
	published prometheus.Counter
	dropped   prometheus.Counter
	refused   prometheus.Counter
	logBytes  prometheus.Gauge
	spooled   prometheus.Gauge
	retried   prometheus.Counter
	malformed prometheus.Counter
	fenced    prometheus.Counter
	events    prometheus.Counter

	unregister func() // lets another bus in the same process register
}

// newMetrics registers the metrics with reg, unless that is nil. A second bus on the same
// registerer fails until the first has unregistered.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	set := metricset.New()
	with := promauto.With(set)
	m := &metrics{
		published: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_frames_published_total", Help: "Opus frames put into the log.",
		}),
		dropped: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_frames_dropped_total",
			Help: "Opus frames dropped because the log did not keep up.",
		}),
		refused: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_frames_refused_total",
			Help: "Opus frames lost because the log or the spool was full.",
		}),
		logBytes: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_bus_log_bytes", Help: "Size of the log when it was last looked at.",
		}),
		spooled: with.NewGauge(prometheus.GaugeOpts{
			Name: "bedside_bus_spooled_bytes",
			Help: "Audio that waits in memory or in files until NATS takes it.",
		}),
		retried: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_publish_retries_total",
			Help: "Messages that NATS did not accept at the first try.",
		}),
		malformed: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_messages_malformed_total",
			Help: "Jobs and messages of the log that could not be decoded and were skipped.",
		}),
		fenced: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_messages_fenced_total",
			Help: "Messages of the log skipped because their media server had lost the room.",
		}),
		events: with.NewCounter(prometheus.CounterOpts{
			Name: "bedside_bus_events_dropped_total",
			Help: "Events dropped because a speaker had too many of their kind.",
		}),
	}
	var err error
	m.unregister, err = set.RegisterWith(reg, "bus")
	return m, err
}
