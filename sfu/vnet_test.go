package sfu

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"bedside/sfu/pionlog"

	"github.com/pion/transport/v5/vnet"
)

// world is a virtual network with a server and clients, for tests that need time or loss. In a
// synctest bubble they take no real time.
type world struct {
	t      *testing.T
	router *vnet.Router
	node   *Node
	nets   int
}

const serverIP = "10.0.0.1"

// withNetwork runs a test on a virtual network, with a fake clock.
func withNetwork(t *testing.T, cfg Config, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		router, err := vnet.NewRouter(&vnet.RouterConfig{
			CIDR: "10.0.0.0/24", QueueSize: 4096,
			LoggerFactory: pionlog.New(quiet(), slog.LevelWarn),
		})
		must(t, err)
		w := &world{t: t, router: router, nets: 9}
		server, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{serverIP}})
		must(t, err)
		must(t, router.AddNet(server))
		must(t, router.Start())
		cfg.UDPAddr = serverIP + ":5000"
		w.node, err = newNode(cfg, quiet(), nil, server)
		must(t, err)
		test(t, w)
		closeNode(t, w.node)
		must(t, router.Stop())
		time.Sleep(time.Minute) // Pion's timers expire
	})
}

// net adds a host to the network.
func (w *world) net() (*vnet.Net, string) {
	w.t.Helper()
	w.nets++
	ip := "10.0.0." + string(rune('0'+w.nets/10)) + string(rune('0'+w.nets%10))
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	must(w.t, err)
	must(w.t, w.router.AddNet(n))
	return n, ip
}
