package configs

import (
	"cmp"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bedside/api/certs"
	"bedside/api/server"
)

// Has reports whether this process has the role api, media or speech.
func (c Config) Has(role string) bool {
	return c.Role == "all" || slices.Contains(strings.Split(c.Role, ","), role)
}

// Balanced reports whether other processes may serve the same pages behind a load balancer.
func (c Config) Balanced() bool { return c.Role != "all" && c.Has("api") }

// PublicURL returns the address that browsers use, or "" when it is not known: then it is the
// address of the listener.
func (c Config) PublicURL() string {
	if c.API.PublicURL != "" || len(c.TLS.Domains) == 0 {
		return c.API.PublicURL
	}
	host := c.TLS.Domains[0]
	if _, port, err := net.SplitHostPort(c.Server.Listen); err == nil && port != "443" {
		host = net.JoinHostPort(host, port)
	}
	return "https://" + host
}

// LocalOnly reports whether only this machine can reach the server, as with the defaults.
func (c Config) LocalOnly() bool {
	host, _, err := net.SplitHostPort(c.Server.Listen)
	return err == nil && c.PublicURL() == "" && len(c.API.Proxies) == 0 &&
		(host == "localhost" || net.ParseIP(host).IsLoopback())
}

// HasDemo reports whether there are demo accounts: while only this machine can reach the server,
// unless demo says so on purpose.
func (c Config) HasDemo() bool {
	on, err := strconv.ParseBool(c.Demo)
	return on || err != nil && c.LocalOnly()
}

// OriginHosts returns the hosts whose pages may open a WebSocket, besides the server's own.
func (c Config) OriginHosts() []string {
	var hosts []string
	for _, origin := range append([]string{c.PublicURL()}, c.API.AllowedOrigins...) {
		if u, err := url.Parse(origin); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

// Certificates returns the TLS settings together with the folder for certificates.
func (c Config) Certificates() certs.Config {
	t := c.TLS
	t.CacheDir = filepath.Join(c.Data, "acme")
	return t
}

// RedirectAddress returns the address of the plain HTTP listener beside https, or "" for none. An
// ACME authority checks there that a domain leads to this server.
func (c Config) RedirectAddress() string {
	switch {
	case c.Server.Redirect == server.Off, c.Server.Redirect == "" && len(c.TLS.Domains) == 0:
		return ""
	}
	return cmp.Or(c.Server.Redirect, ":80")
}

// MediaAddress returns the UDP address for media: media.udp, on the host of listen when it names
// none. The configuration must be valid.
func (c Config) MediaAddress() string {
	host, port, _ := net.SplitHostPort(c.MediaUDP)
	if host == "" {
		host, _, _ = net.SplitHostPort(c.Server.Listen)
	}
	return net.JoinHostPort(host, port)
}
