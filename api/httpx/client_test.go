package httpx

import (
	"net/http/httptest"
	"testing"
)

func TestClientAddressBehindProxies(t *testing.T) {
	trusted, err := ParseProxies([]string{"10.0.0.0/8", "2001:db8::/32", "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		remote string
		via    []string // X-Forwarded-For
		want   string
	}{
		"direct":           {"198.51.100.7:5", nil, "198.51.100.7"},
		"untrusted header": {"198.51.100.7:5", []string{"203.0.113.9"}, "198.51.100.7"},
		"one proxy":        {"10.1.1.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		"header begun by the client": {
			"10.1.1.1:5", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9",
		},
		"two proxies": {
			"10.1.1.1:5", []string{"1.1.1.1,203.0.113.9, 192.0.2.1"}, "203.0.113.9",
		},
		"two headers": {
			"10.1.1.1:5", []string{"1.1.1.1", "203.0.113.9", "10.2.2.2"}, "203.0.113.9",
		},
		"proxies only":              {"10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"no header":                 {"10.1.1.1:5", nil, "10.1.1.1"},
		"no address":                {"10.1.1.1:5", []string{"203.0.113.9, unknown"}, "10.1.1.1"},
		"no address behind another": {"10.1.1.1:5", []string{"unknown, 10.2.2.2"}, "10.2.2.2"},
		"with a port":               {"10.1.1.1:5", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		"IPv6":                      {"[2001:db8::1]:5", []string{"2a00:1::2"}, "2a00:1::2"},
		"IPv6 with a port":          {"[2001:db8::1]:5", []string{"[2a00:1::2]:80"}, "2a00:1::2"},
		"IPv4 within IPv6": {
			"[::ffff:10.1.1.1]:5", []string{"::ffff:203.0.113.9"}, "203.0.113.9",
		},
		"a zone": {"[fe80::1%eth0]:5", nil, "fe80::1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.via
		if got, _ := trusted.Client(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for _, bad := range []string{"", "all", "10.0.0.0/33", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		if _, err := ParseProxies([]string{bad}); err == nil {
			t.Errorf("%q was accepted as a network", bad)
		}
	}
}

func TestSecureBehindProxy(t *testing.T) {
	trusted, err := ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		remote, proto string
		want          bool
	}{
		{"10.1.1.1:5", "https", true}, {"10.1.1.1:5", "http, https", true},
		{"10.1.1.1:5", "https, http", false}, {"10.1.1.1:5", "", false},
		{"198.51.100.7:5", "https", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-Proto", c.proto)
		if _, got := trusted.Client(r); got != c.want {
			t.Errorf("%s %q: %v", c.remote, c.proto, got)
		}
	}
}

func TestNetworkOfAddress(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1": "fe80::/64", "nonsense": "nonsense",
	} {
		if got := NetworkOf(ip); got != want {
			t.Errorf("%s: %s", ip, got)
		}
	}
}

func FuzzClient(f *testing.F) {
	trusted, err := ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("10.0.0.1:1", "1.2.3.4, 10.0.0.2")
	f.Fuzz(func(t *testing.T, remote, via string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", via)
		ip, _ := trusted.Client(r)
		if at, ok := address(remote); ok && !trusted.trust(at) && ip != at.String() {
			t.Errorf("X-Forwarded-For %q was trusted from %q: %s", via, remote, ip)
		}
	})
}
