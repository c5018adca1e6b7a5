package httpx

import (
	"strings"
	"testing"
)

func TestDeviceOfUserAgent(t *testing.T) {
	for agent, want := range map[string]Device{
		"": {"", "", "unknown"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0": {
			"Firefox 143", "Linux", "desktop",
		},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36": {
			"Chrome 142", "Windows", "desktop",
		},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15": {
			"Safari 26", "macOS", "desktop",
		},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1": {
			"Safari 26", "iOS", "mobile",
		},
		"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1": {
			"Safari 26", "iOS", "tablet",
		},
		"Go-http-client/1.1": {"Go-http-client 1", "", "program"},
	} {
		if got := DeviceOf(agent); got != want {
			t.Errorf("%q: %+v, want %+v", agent, got, want)
		}
	}
}

func TestDeviceNameHasNoLinks(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0": "Firefox 143 on Linux",
		"Go-http-client/1.1":                            "",
		"Account stolen, go to https://evil.example/":   "",
		"https://evil.example/1 (Windows NT 10.0; x64)": "",
		"": "",
	} {
		if got := DeviceOf(agent).String(); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func FuzzDevice(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
	f.Add("((((;;;)))) / / ; Version/")
	f.Fuzz(func(t *testing.T, agent string) {
		if DeviceOf(agent).Kind == "" {
			t.Error("no kind")
		}
		if strings.ContainsAny(DeviceOf(agent).String(), ".:/@<\n") {
			t.Error("a name that could be a link")
		}
	})
}
