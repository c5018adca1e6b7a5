package client

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pipes is a listener whose connections are pipes in memory, which work with a fake clock.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve runs an HTTP server in memory until the test's end and returns a client for it.
func serve(t testing.TB, h http.Handler) (hc *http.Client, stop func()) {
	t.Helper()
	l := newPipes()
	s := &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	transport := &http.Transport{DialContext: l.dial}
	return &http.Client{Transport: transport}, func() {
		transport.CloseIdleConnections()
		must(t, s.Close())
		<-ended
	}
}

// world is a virtual network with a server, in a synctest bubble with a fake clock.
type world struct {
	t      *testing.T
	router *vnet.Router
	server *server
	http   *http.Client
	hosts  int
}

func withNetwork(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		quiet := &logging.DefaultLoggerFactory{Writer: io.Discard}
		router, err := vnet.NewRouter(&vnet.RouterConfig{
			CIDR: "10.0.0.0/24", QueueSize: 4096, LoggerFactory: quiet,
		})
		must(t, err)
		host, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"10.0.0.1"}})
		must(t, err)
		must(t, router.AddNet(host))
		must(t, router.Start())
		w := &world{t: t, router: router, server: newServer(t, host), hosts: 9}
		var stop func()
		w.http, stop = serve(t, w.server)
		test(t, w)
		w.server.close()
		stop()
		must(t, router.Stop())
		time.Sleep(2 * time.Minute) // Pion's timers expire
	})
}

// cable connects a host to the network. While it is pulled, no packet passes.
type cable struct {
	out  atomic.Bool
	drop atomic.Int64 // number of RTP packets from the host to drop
}

// config returns the configuration of a participant on a new host.
func (w *world) config(ticket string) (Config, *cable) {
	w.t.Helper()
	w.hosts++
	ip := net.IPv4(10, 0, 0, byte(w.hosts)).String()
	host, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	must(w.t, err)
	must(w.t, w.router.AddNet(host))
	c := &cable{}
	w.router.AddChunkFilter(func(chunk vnet.Chunk) bool {
		from, to := hostOf(chunk.SourceAddr()), hostOf(chunk.DestinationAddr())
		if c.out.Load() && (from == ip || to == ip) {
			return false
		}
		if b := chunk.UserData(); from == ip && len(b) > 1 && b[0]>>6 == 2 && b[1]&0x7f == 111 &&
			c.drop.Load() > 0 {
			c.drop.Add(-1)
			return false
		}
		return true
	})
	return Config{
		URL: "ws://server/ws", Ticket: ticket, HTTPClient: w.http, Listen: ticket == "observer",
		Settings: func(s *webrtc.SettingEngine) { s.SetNet(host) },
	}, c
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return ""
	}
	return host
}

func (w *world) join(ticket string) *Client {
	w.t.Helper()
	cfg, _ := w.config(ticket)
	return w.joinWith(cfg)
}

func (w *world) joinWith(cfg Config) *Client {
	w.t.Helper()
	c, err := Join(w.t.Context(), cfg)
	must(w.t, err)
	must(w.t, c.Connected(w.t.Context()))
	return c
}
