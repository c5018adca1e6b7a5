package configs

import "testing"

func TestPublicURL(t *testing.T) {
	for _, c := range []struct{ public, listen, domain, want string }{
		{"https://proxy.example", "127.0.0.1:8080", "", "https://proxy.example"},
		{"", "127.0.0.1:8080", "", ""},
		{"", ":443", "a.example", "https://a.example"},
		{"", ":8443", "a.example", "https://a.example:8443"},
	} {
		var cfg Config
		cfg.API.PublicURL, cfg.Server.Listen = c.public, c.listen
		if c.domain != "" {
			cfg.TLS.Domains = []string{c.domain}
		}
		if got := cfg.PublicURL(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
