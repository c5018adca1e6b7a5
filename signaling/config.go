package signaling

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"bedside/sfu"
)

// Config configures a Hub. A zero field means the value in Defaults, except for Drain.
type Config struct {
	PerAddress int `key:"media.max_per_address" env:"BEDSIDE_MEDIA_MAX_PER_ADDRESS" doc:"maximum number of WebSockets from one IP address"`

	Endpoint string `key:"media.endpoint" env:"BEDSIDE_MEDIA_ENDPOINT" doc:"the WebSocket address of this media node that clients dial, such as wss://media1.example.org/ws; empty: that of the API, in the same process"`

	RoomsPerAccount int `key:"media.max_rooms_per_account" env:"BEDSIDE_MEDIA_MAX_ROOMS_PER_ACCOUNT" doc:"maximum number of rooms that one account may have opened at a time"`
	RoomsPerAddress int `key:"media.max_rooms_per_address" env:"BEDSIDE_MEDIA_MAX_ROOMS_PER_ADDRESS" doc:"maximum number of rooms opened from one IP address at a time"`

	// Drain is how long the process that owns the hub waits for live role plays after it was asked
	// to stop. 0 means not at all: Defaults is not applied.
	Drain time.Duration `key:"media.drain" env:"BEDSIDE_MEDIA_DRAIN" doc:"how long a server that is asked to stop waits for live role plays, before it leaves them to another"`

	Origins   []string      // hosts whose pages may connect, besides the server's own
	Grace     time.Duration // how long a participant without a socket keeps its place
	FirstWord time.Duration // how long a new socket may take to send its join
	PingEvery time.Duration // interval between pings, and the time limit for an answer
	// ReportWait is how long sockets stay open for the report after the play has ended.
	ReportWait time.Duration
	// Linger is how long a room waits for people: empty during preparation, or without its
	// candidate after a restart.
	Linger time.Duration
	// MayStand is how long the clock of a play may stand in all because the candidate or the
	// patient is away; then the play ends.
	MayStand time.Duration
	// Unused is how long an empty room stays in which nobody's media was ever connected.
	Unused time.Duration
	// Address returns the IP address a request comes from. By default it is its connection's.
	Address func(*http.Request) string
}

// Defaults returns the default configuration. The grace period is the media node's.
func Defaults() Config {
	return Config{
		PerAddress: 100, RoomsPerAccount: 3, RoomsPerAddress: 60, Drain: 8 * time.Minute,
		Grace: sfu.Defaults().Grace, FirstWord: 10 * time.Second, PingEvery: 15 * time.Second,
		ReportWait: time.Minute, Linger: 2 * time.Minute, Unused: 20 * time.Second,
		MayStand: 5 * time.Minute,
		Address:  connectionAddress,
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.PerAddress = cmp.Or(c.PerAddress, d.PerAddress)
	c.RoomsPerAccount = cmp.Or(c.RoomsPerAccount, d.RoomsPerAccount)
	c.RoomsPerAddress = cmp.Or(c.RoomsPerAddress, d.RoomsPerAddress)
	c.Grace = cmp.Or(c.Grace, d.Grace)
	c.FirstWord = cmp.Or(c.FirstWord, d.FirstWord)
	c.PingEvery = cmp.Or(c.PingEvery, d.PingEvery)
	c.ReportWait = cmp.Or(c.ReportWait, d.ReportWait)
	c.Linger = cmp.Or(c.Linger, d.Linger)
	c.Unused = cmp.Or(c.Unused, d.Unused)
	c.MayStand = cmp.Or(c.MayStand, d.MayStand)
	if c.Address == nil {
		c.Address = d.Address
	}
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	var errs []error
	for _, limit := range []struct {
		key string
		n   int
	}{
		{"media.max_per_address", c.PerAddress},
		{"media.max_rooms_per_account", c.RoomsPerAccount},
		{"media.max_rooms_per_address", c.RoomsPerAddress},
	} {
		if limit.n < 1 {
			errs = append(errs, fmt.Errorf("%s: at least 1 is needed", limit.key))
		}
	}
	if c.Drain < 0 {
		errs = append(errs, errors.New("media.drain: it must not be negative"))
	}
	u, err := url.Parse(c.Endpoint)
	if c.Endpoint != "" && (err != nil || (u.Scheme != "ws" && u.Scheme != "wss") ||
		u.Host == "" || u.Path == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		errs = append(errs, fmt.Errorf("media.endpoint: %q is not a WebSocket address such as "+
			"wss://media1.example.org/ws", c.Endpoint))
	}
	return errors.Join(errs...)
}

func connectionAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
