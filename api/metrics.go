package api

import (
	"net/http"
	"strconv"
	"time"

	"bedside/store/metricset"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics counts and times requests by route.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newMetrics registers the metrics with reg, unless that is nil.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	set := metricset.New()
	with := promauto.With(set)
	m := &metrics{
		requests: with.NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_http_requests_total", Help: "Requests answered.",
		}, []string{"method", "route", "status"}),
		seconds: with.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bedside_http_request_seconds", Help: "Time to answer a request.",
			Buckets: prometheus.ExponentialBuckets(0.001, 3, 9),
		}, []string{"method", "route"}),
	}
	if _, err := set.RegisterWith(reg, "API"); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *metrics) observe(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// methodOf returns a request's method, or "other" for one that is not standard, because clients
// may send any text.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}
