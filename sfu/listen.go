package sfu

import (
	"fmt"
	"log/slog"
	"net"

	"bedside/sfu/pionlog"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/webrtc/v4"
)

// socketBuffer holds the packets of a burst: about 2,000 of them.
const socketBuffer = 1 << 20

// listener is the UDP port of a node: one socket for its address, or one for each local address if
// the node listens on all of them.
type listener struct {
	mux      ice.UDPMux
	addr     *net.UDPAddr
	loopback bool // offer loopback candidates
}

func listen(cfg Config, network transport.Net, log *slog.Logger) (*listener, error) {
	addr, err := network.ResolveUDPAddr("udp", cfg.UDPAddr)
	if err != nil {
		return nil, fmt.Errorf("media address %q: %w", cfg.UDPAddr, err)
	}
	if addr.IP == nil || addr.IP.IsUnspecified() {
		return listenAll(cfg, addr, network, log)
	}
	conn, err := network.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("media address %q: %w", cfg.UDPAddr, err)
	}
	if err := conn.SetReadBuffer(socketBuffer); err != nil {
		log.Debug("the media socket keeps its default buffer", "err", err)
	}
	mux := webrtc.NewICEUDPMux(pionlog.New(log, slog.LevelWarn).NewLogger("mux"), conn)
	return &listener{
		mux: mux, addr: conn.LocalAddr().(*net.UDPAddr),
		loopback: cfg.IncludeLoopback || addr.IP.IsLoopback(),
	}, nil
}

// listenAll opens the same port on each local address, so that a reply has the source address that
// the request was sent to.
func listenAll(cfg Config, addr *net.UDPAddr, network transport.Net,
	log *slog.Logger) (*listener, error) {
	options := []ice.UDPMuxFromPortOption{
		ice.UDPMuxFromPortWithNet(network), ice.UDPMuxFromPortWithReadBufferSize(socketBuffer),
		ice.UDPMuxFromPortWithLogger(pionlog.New(log, slog.LevelWarn).NewLogger("mux")),
	}
	if addr.IP != nil && addr.IP.To4() != nil {
		options = append(options, ice.UDPMuxFromPortWithNetworks(ice.NetworkTypeUDP4))
	}
	if cfg.IncludeLoopback {
		options = append(options, ice.UDPMuxFromPortWithLoopback())
	}
	port := addr.Port
	for attempt := 0; ; attempt++ {
		if addr.Port == 0 {
			var err error
			if port, err = freePort(addr, network); err != nil {
				return nil, fmt.Errorf("media address %q: %w", cfg.UDPAddr, err)
			}
		}
		mux, err := ice.NewMultiUDPMuxFromPort(port, options...)
		switch {
		case err != nil && addr.Port == 0 && attempt < 5:
			continue // the port is in use on one of the addresses
		case err != nil:
			return nil, fmt.Errorf("media port %d: %w", port, err)
		case len(mux.GetListenAddresses()) == 0:
			return nil, fmt.Errorf(
				"media address %q: no network address but loopback, which is not included",
				cfg.UDPAddr)
		}
		return &listener{
			mux: mux, addr: &net.UDPAddr{IP: addr.IP, Port: port}, loopback: cfg.IncludeLoopback,
		}, nil
	}
}

// freePort returns a port that is free now.
func freePort(addr *net.UDPAddr, network transport.Net) (int, error) {
	conn, err := network.ListenUDP("udp", addr)
	if err != nil {
		return 0, err
	}
	return conn.LocalAddr().(*net.UDPAddr).Port, conn.Close()
}
