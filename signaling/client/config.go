package client

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"bedside/signaling/protocol"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Config configures one participant. Ticket.Config fills in what a ticket contains.
type Config struct {
	URL        string // of the WebSocket
	Ticket     string
	ICEServers []ICEServer
	Listen     bool // receive only; observers must set it
	// NewTicket gets a ticket for a new join to the same room. With it the client joins again when
	// its seat or its server is gone; without it the client then ends.
	NewTicket func(context.Context) (Ticket, error)

	HTTPClient *http.Client // makes the WebSocket connection [http.DefaultClient]
	Log        *slog.Logger // [none]

	// OnMessage is called with every message of the server, except offers and pongs, after it has
	// changed the state. The client's loop calls it: it must not block or call the same Client.
	OnMessage func(protocol.ServerMessage)
	// OnLink is called when the state of the connection changes, in the same way as OnMessage.
	OnLink func(Link)
	// OnRTP is called with every packet that arrives from a participant, by the goroutine that
	// reads that participant's stream. It must not block, or keep the packet after it returns.
	OnRTP func(from string, p *rtp.Packet)
	// OnLevel is called like OnRTP, before it, with the packet's audio level in dB below full
	// scale, from 0 for the loudest to 127 for silence, when its sender tells one.
	OnLevel func(from string, level uint8, at time.Time)
	// Settings may change Pion's settings before the connection is made, for tests on a virtual
	// network.
	Settings func(*webrtc.SettingEngine)

	dialLimit time.Duration // for opening the WebSocket; 0: none
}

// Link is the state of a participant's connection.
type Link string

// The states of a link. Reconnecting means that the socket or the media is lost and the client
// tries to restore it.
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
		return c, errors.New("the ticket is missing")
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
	if c.OnLevel == nil {
		c.OnLevel = func(string, uint8, time.Time) {}
	}
	return c, nil
}

// local reports whether the server is on this machine, so that loopback candidates reach it.
func (c Config) local() bool {
	u, err := url.Parse(c.URL)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
