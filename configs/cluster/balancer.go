package cluster

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"bedside/configs/cluster/services"
)

// readyPath is answered with 200 while a process can serve pages. An outage of Redis, NATS or S3
// would otherwise make all of them unavailable at once.
const readyPath = "/health/ready?parts=database"

const (
	askEvery = time.Second     // whether a process is ready
	askLimit = time.Second     // how long it may take to answer
	idle     = 5 * time.Second // how long an unused connection to a process stays open
)

var errNoBackend = errors.New("no api process is ready")

// Balancer is a small load balancer in front of the api processes, with the rules of TOPOLOGY.md:
// requests go in turn to the processes whose database is ready. WebSockets do not pass through it;
// they go to the media processes themselves.
type Balancer struct {
	listener net.Listener
	server   *http.Server
	stop     context.CancelFunc
	all      sync.WaitGroup

	mu       sync.Mutex
	backends []*backend
	next     int
}

type backend struct {
	url   *url.URL
	ready bool // guarded by Balancer.mu
}

func openBalancer() (*Balancer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &Balancer{listener: listener}, nil
}

// URL returns the balancer's address.
func (b *Balancer) URL() string { return "http://" + b.listener.Addr().String() }

// serve begins to forward requests to the nodes, which must be ready.
func (b *Balancer) serve(nodes []*Node) {
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	for _, n := range nodes {
		u, _ := url.Parse(n.URL) // made by this package
		target := &backend{url: u, ready: true}
		b.backends = append(b.backends, target)
		b.all.Go(func() { b.watch(ctx, target) })
	}
	b.server = &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetXForwarded() },
			Transport: forwarding{b, &http.Transport{IdleConnTimeout: idle}},
			ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			},
		},
	}
	b.all.Go(func() { _ = b.server.Serve(b.listener) }) // returns when it is closed
}

func (b *Balancer) close() error {
	if b.server == nil {
		return b.listener.Close()
	}
	b.stop()
	err := b.server.Close()
	b.all.Wait()
	return err
}

// watch asks a process whether it is ready, until ctx ends.
func (b *Balancer) watch(ctx context.Context, target *backend) {
	ready := services.Answers(target.url.String() + readyPath)
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asking, cancel := context.WithTimeout(ctx, askLimit)
		err := ready(asking)
		cancel()
		b.set(target, err == nil)
	}
}

func (b *Balancer) set(target *backend, ready bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	target.ready = ready
}

// pick returns the next process that is ready.
func (b *Balancer) pick() (*backend, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.backends {
		b.next = (b.next + 1) % len(b.backends)
		if target := b.backends[b.next]; target.ready {
			return target, nil
		}
	}
	return nil, errNoBackend
}

// forwarding sends a request to a process that is ready, and to another one when it cannot be
// connected to.
type forwarding struct {
	b    *Balancer
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (f forwarding) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		target, err := f.b.pick()
		if err != nil {
			return nil, err
		}
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host = target.url.Scheme, target.url.Host
		if r.Body != nil {
			out.Body = io.NopCloser(r.Body) // another try may need it; the server closes it
		}
		res, err := f.base.RoundTrip(out)
		var failed *net.OpError
		if errors.As(err, &failed) && failed.Op == "dial" {
			f.b.set(target, false)
			continue
		}
		return res, err
	}
}
