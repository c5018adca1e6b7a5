package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bedside.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnvironmentOverridesFile(t *testing.T) {
	path := write(t, "listen: 127.0.0.1:9000\nmedia: {grace: 5s}\n")
	c, err := Load(path, []string{"BEDSIDE_LISTEN=127.0.0.1:9001", "BEDSIDE_LOG_LEVEL="})
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Listen != "127.0.0.1:9001" || c.SFU.Grace != 5*time.Second ||
		c.Log.Level != "info" ||
		c.SFU.MaxRooms != 200 {
		t.Errorf("got %+v", c)
	}
}

func TestLoadNamesInvalidSettings(t *testing.T) {
	for name, tc := range map[string]struct {
		file string
		env  []string
		want string
	}{
		"unknown key":      {file: "listn: x", want: "listn"},
		"unknown variable": {env: []string{"BEDSIDE_LISTN=x"}, want: "BEDSIDE_LISTN"},
		"bad duration":     {env: []string{"BEDSIDE_MEDIA_GRACE=soon"}, want: "soon"},
		"bad address":      {env: []string{"BEDSIDE_LISTEN=8080"}, want: "host:port"},
		"bad proxy":        {env: []string{"BEDSIDE_PROXIES=10.0.0.0/8,all"}, want: `"all"`},
		"half of TLS": {
			env: []string{"BEDSIDE_TLS_CERT_FILE=cert.pem"}, want: "go together",
		},
		"two ways of TLS": {
			env: []string{
				"BEDSIDE_TLS_CERT_FILE=c", "BEDSIDE_TLS_KEY_FILE=k",
				"BEDSIDE_TLS_DOMAINS=a.example",
			},
			want: "not both",
		},
		"bad domain": {
			env: []string{"BEDSIDE_TLS_DOMAINS=*.example.org"}, want: "tls.domains",
		},
		"redirect to none": {env: []string{"BEDSIDE_TLS_REDIRECT=:80"}, want: "no https"},
		"bad collector": {
			env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318"}, want: "otlp_endpoint",
		},
		"bad pprof": {env: []string{"BEDSIDE_PPROF=6060"}, want: "pprof"},
		"bad limit": {
			env: []string{"BEDSIDE_LIMITS_READ_PER_IP=-1"}, want: "limits.read_per_ip",
		},
		"short key":  {env: []string{"BEDSIDE_AUTH_KEY=abc"}, want: "32 characters"},
		"two copies": {env: []string{"BEDSIDE_NATS_REPLICAS=2"}, want: "nats_replicas"},
		"spool of the worker": {
			env:  []string{"BEDSIDE_DATA=/d", "BEDSIDE_MEDIA_SPOOL_DIR=/d/spool/audio"},
			want: "media.spool_dir",
		},
		"three of one":      {env: []string{"BEDSIDE_NATS_REPLICAS=3"}, want: "NATS_URL"},
		"bad NATS address":  {env: []string{"NATS_URL=nats://a:b/c@d"}, want: "store.nats_url"},
		"bad bucket":        {env: []string{"BEDSIDE_BLOB_URL=s3://"}, want: "store.blob_url"},
		"half of a key":     {env: []string{"BEDSIDE_S3_SECRET_KEY=x"}, want: "go together"},
		"unknown role":      {env: []string{"BEDSIDE_ROLE=king"}, want: "king"},
		"role needs shared": {env: []string{"BEDSIDE_ROLE=speech"}, want: "NATS_URL"},
		"media without endpoint": {
			env: []string{"BEDSIDE_ROLE=media"}, want: "BEDSIDE_MEDIA_ENDPOINT",
		},
		"endpoint of pages": {
			env: []string{"BEDSIDE_MEDIA_ENDPOINT=https://a.example/ws"}, want: "media.endpoint",
		},
		"endpoint without path": {
			env: []string{"BEDSIDE_MEDIA_ENDPOINT=wss://a.example"}, want: "media.endpoint",
		},
		"endpoint that https pages cannot open": {
			env: []string{
				"BEDSIDE_PUBLIC_URL=https://a.example", "BEDSIDE_MEDIA_ENDPOINT=ws://b.example/ws",
			},
			want: "must be wss",
		},
		"bad media origin": {
			env: []string{"BEDSIDE_MEDIA_ORIGINS=wss://a.example/ws"}, want: "media.origins",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := ""
			if tc.file != "" {
				path = write(t, tc.file)
			}
			if _, err := Load(path, tc.env); err == nil ||
				!strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error that contains %q", err, tc.want)
			}
		})
	}
}

func TestRedactedHidesSecrets(t *testing.T) {
	c, err := Load("", []string{"DATABASE_URL=postgres://me:hush@db/x"})
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Join(c.Redacted(), "\n")
	if strings.Contains(rows, "hush") || !strings.Contains(rows, "store.database_url=(set)") {
		t.Errorf("got %s", rows)
	}
}

func TestLoadNamesMistakesInFiles(t *testing.T) {
	for text, want := range map[string]string{
		"media: {grace: 5s, grace: 6s}":   "media.grace is set twice",
		"media:\n  gracee: 5s":            "line 2: unknown setting media.gracee",
		"media: 5s":                       "line 1",
		"media: {max_rooms: many}":        "media.max_rooms",
		"- data":                          "key: value",
		"tls: {redirect: off, domain: x}": "unknown setting tls.domain",
	} {
		_, err := Load(write(t, text), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error that contains %q", text, err, want)
		}
	}
}

func TestEmptySectionsChangeNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "media:\nlog: {level: }\n"} {
		c, err := Load(write(t, text), nil)
		if err != nil || c.SFU.MaxRooms != 200 || c.Log.Level != "info" {
			t.Errorf("%q: %v, %+v", text, err, c)
		}
	}
}

func TestOverride(t *testing.T) {
	c := Defaults()
	if err := c.Override(map[string]string{"listen": ":9000", "data": ""}); err != nil ||
		c.Server.Listen != ":9000" || c.Data != "./data" {
		t.Errorf("%v, %+v", err, c)
	}
	if err := c.Override(map[string]string{"role": "king"}); !errors.Is(err, ErrFlags) {
		t.Errorf("got %v, want ErrFlags", err)
	}
}

func TestProductionExampleLoads(t *testing.T) {
	if _, err := Load("production.example.yaml", nil); err != nil {
		t.Fatal(err)
	}
}

// TestDefaultYAMLHoldsTheDefaults loads default.yaml over a configuration without any values.
func TestDefaultYAMLHoldsTheDefaults(t *testing.T) {
	var c Config
	if err := readYAML([]byte(DefaultYAML()), settingsOf(&c)); err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	for i, s := range settingsOf(&c) {
		if w := settingsOf(&want)[i]; s.String() != w.String() {
			t.Errorf("%s: default.yaml has %q, Defaults %q", s.Key, s, w)
		}
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	var seen []string
	for _, s := range Settings() {
		if s.Key == "" || s.Env == "" || s.Doc == "" || slices.Contains(seen, s.Env) {
			t.Errorf("%s: needs a doc and an environment variable of its own", s.Key)
		}
		seen = append(seen, s.Env)
	}
}
