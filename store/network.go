package store

import "net/netip"

// Network returns what counts as one client address in quotas and in the audit trail: for IPv6 the
// /64 network, because that is what providers assign to a household or a server.
func Network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || !addr.Is6() || addr.Is4In6() {
		return ip
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return prefix.String()
}
