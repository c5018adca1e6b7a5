package client

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"bedside/signaling/protocol"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Config of one participant. Ticket.Config fills in what a ticket tells.
type Config struct {
	URL        string // of the WebSocket
	Ticket     string
	ICEServers []ICEServer
	Listen     bool // do not offer a voice; observers must set it

	HTTPClient *http.Client // makes the WebSocket connection [http.DefaultClient]
	Log        *slog.Logger // [none]

	// OnMessage sees every message of the server once it has taken effect, but for the
	// negotiation's. It is called by the client's loop, one message after the other, and must not
	// block nor wait for a call of the same Client.
	OnMessage func(protocol.ServerMessage)
	// OnLink is told how the connection stands; called like OnMessage.
	OnLink func(Link)
	// OnRTP sees every packet that arrives from a participant. It is called by the goroutine that
	// reads that participant's stream and must not block; the packet is lent for the call.
	OnRTP func(from string, p *rtp.Packet)
	// Settings may change Pion's, before the connection is made; for tests on a virtual network.
	Settings func(*webrtc.SettingEngine)
}

// Link is how a participant is connected.
type Link string

// The states of a link. Reconnecting means that socket or media is lost, and is being mended.
const (
	LinkConnecting   Link = "connecting"
	LinkConnected    Link = "connected"
	LinkReconnecting Link = "reconnecting"
	LinkClosed       Link = "closed"
)

func (c Config) withDefaults() (Config, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" ||
		!slices.Contains([]string{"ws", "wss", "http", "https"}, u.Scheme) {
		return c, errors.New("the WebSocket's address should be like ws://localhost:8080/ws")
	}
	if c.Ticket == "" {
		return c, errors.New("there is no ticket")
	}
	if c.HTTPClient == nil {
		c.HTTPClient = http.DefaultClient
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnMessage == nil {
		c.OnMessage = func(protocol.ServerMessage) {}
	}
	if c.OnLink == nil {
		c.OnLink = func(Link) {}
	}
	if c.OnRTP == nil {
		c.OnRTP = func(string, *rtp.Packet) {}
	}
	return c, nil
}

// local tells whether the server is on this machine, so that loopback is a way to it.
func (c Config) local() bool {
	u, err := url.Parse(c.URL)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
