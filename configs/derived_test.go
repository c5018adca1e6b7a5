package configs

import "testing"

// TestDemoAccountsNeedLoopback checks that demo accounts exist by default only while nobody else
// can reach the server, and otherwise only on purpose.
func TestDemoAccountsNeedLoopback(t *testing.T) {
	for _, c := range []struct {
		env  string
		want bool
	}{
		{"", true}, {"BEDSIDE_LISTEN=localhost:80", true}, {"BEDSIDE_LISTEN=[::1]:80", true},
		{"BEDSIDE_LISTEN=:8080", false}, {"BEDSIDE_LISTEN=0.0.0.0:80", false},
		{"BEDSIDE_LISTEN=192.0.2.1:80", false},
		{"BEDSIDE_PUBLIC_URL=https://bedside.example", false},
		{"BEDSIDE_PROXIES=127.0.0.1", false}, {"BEDSIDE_TLS_DOMAINS=bedside.example", false},
	} {
		for demo, want := range map[string]bool{
			"": c.want, "auto": c.want, "true": true, "1": true, "false": false,
		} {
			cfg, err := Load("", []string{c.env, "BEDSIDE_DEMO=" + demo})
			if err != nil || cfg.HasDemo() != want {
				t.Errorf("%s, demo %q: %v, %v", c.env, demo, cfg.HasDemo(), err)
			}
		}
	}
	for text, want := range map[string]bool{"demo: false": false, "demo: true": true} {
		cfg, err := Load(write(t, text), nil)
		if err != nil || cfg.HasDemo() != want {
			t.Errorf("%s: %v, %v", text, cfg.HasDemo(), err)
		}
	}
	if _, err := Load("", []string{"BEDSIDE_DEMO=perhaps"}); err == nil {
		t.Error("demo was accepted as perhaps")
	}
}

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
