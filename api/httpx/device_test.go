package sessions

import "testing"

func TestDevices(t *testing.T) {
	for agent, want := range map[string]device{
		"": {"", "", "unknown"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0":                                                                  {"Firefox 143", "Linux", "desktop"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                         {"Chrome 142", "Windows", "desktop"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15":                   {"Safari 26", "macOS", "desktop"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1": {"Safari 26", "iOS", "mobile"},
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1":          {"Safari 26", "iOS", "tablet"},
		"Go-http-client/1.1": {"Go-http-client 1", "", "program"},
	} {
		if got := describe(agent); got != want {
			t.Errorf("%q: %+v, want %+v", agent, got, want)
		}
	}
}

func FuzzDevice(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
	f.Add("((((;;;)))) / / ; Version/")
	f.Fuzz(func(t *testing.T, agent string) {
		if describe(agent).kind == "" {
			t.Error("no kind")
		}
	})
}
