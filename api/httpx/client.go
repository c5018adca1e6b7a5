package httpx

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"bedside/store"
)

// Proxies are the networks of the trusted proxies. Only from them are X-Forwarded-For and
// X-Forwarded-Proto trusted, because any client can send these headers.
type Proxies []netip.Prefix

// ParseProxies parses networks, such as 10.0.0.0/8, and single addresses.
func ParseProxies(list []string) (Proxies, error) {
	var p Proxies
	for _, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			addr, err := netip.ParseAddr(s)
			if err != nil || addr.Zone() != "" {
				return nil, fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address",
					s)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("%q must be written as an IPv4 network", s)
		}
		p = append(p, prefix.Masked())
	}
	return p, nil
}

func (p Proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// maxHops is the number of addresses in X-Forwarded-For that are read, from its end.
const maxHops = 20

// Client returns the address of the client of a request. Each proxy appends the address of its
// client to X-Forwarded-For. Client reads the header from its end: the first address that is not a
// trusted proxy's is the client's. secure reports whether the request came over TLS, to this
// server or to the last proxy.
func (p Proxies) Client(r *http.Request) (ip string, secure bool) {
	at, ok := address(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr, r.TLS != nil
	}
	if !p.trust(at) {
		return at.String(), r.TLS != nil
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops[max(0, len(hops)-maxHops):]) {
		before, ok := address(strings.TrimSpace(hop))
		if !ok {
			break
		}
		if at = before; !p.trust(at) {
			break
		}
	}
	protocols := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return at.String(), r.TLS != nil ||
		strings.EqualFold(strings.TrimSpace(protocols[len(protocols)-1]), "https")
}

// address parses an IP address with or without a port.
func address(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// NetworkOf returns what quotas count as a client's address: for IPv6 the /64 network.
func NetworkOf(ip string) string { return store.Network(ip) }
