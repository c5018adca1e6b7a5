// Package configs sums the settings of every part: the embedded default.yaml, then a file, then
// the environment, the later one winning. Unknown keys are errors. Only main imports it.
package configs

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"bedside/api/certs"
	"bedside/api/httpx"

	"github.com/caarlos0/env/v11"
	"gopkg.in/yaml.v3"
)

//go:embed default.yaml
var defaults []byte

// Config is every setting of a Bedside server. The zero value is not usable; start from Load.
type Config struct {
	Data         string   `yaml:"data" env:"BEDSIDE_DATA" doc:"folder that holds all state: database cluster, streams, recordings, keys"`
	Role         string   `yaml:"role" env:"BEDSIDE_ROLE" doc:"what this process does: all, or some of api, media and speech, joined by commas"`
	Listen       string   `yaml:"listen" env:"BEDSIDE_LISTEN" doc:"HTTP address; loopback only unless you change it"`
	PublicURL    string   `yaml:"public_url" env:"BEDSIDE_PUBLIC_URL" doc:"address that browsers use, when a proxy stands in front; empty: the HTTP address"`
	Proxies      []string `yaml:"proxies" env:"BEDSIDE_PROXIES" doc:"networks of the proxies in front, such as 10.0.0.0/8, whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody else's are"`
	Demo         bool     `yaml:"demo" env:"BEDSIDE_DEMO" doc:"seed the demo accounts; turn it off in production"`
	Pprof        string   `yaml:"pprof" env:"BEDSIDE_PPROF" doc:"address of a listener for Go's profiles, which must stay private; without a host it is loopback; empty: none"`
	OTLPEndpoint string   `yaml:"otlp_endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" doc:"OpenTelemetry collector that takes traces over HTTP, such as http://localhost:4318; empty: no traces"`
	TLS          TLS      `yaml:"tls"`
	Log          Log      `yaml:"log"`
	Store        Store    `yaml:"store"`
	Auth         Auth     `yaml:"auth"`
	Limits       Limits   `yaml:"limits"`
	Mail         Mail     `yaml:"mail"`
	Media        Media    `yaml:"media"`
	Speech       Speech   `yaml:"speech"`
}

// TLS says where certificates come from; without any of them the server speaks plain HTTP.
type TLS struct {
	CertFile  string   `yaml:"cert_file" env:"BEDSIDE_TLS_CERT_FILE" doc:"certificate with its chain, in PEM; read again when it changes and on SIGHUP"`
	KeyFile   string   `yaml:"key_file" env:"BEDSIDE_TLS_KEY_FILE" doc:"the certificate's key, in PEM"`
	Domains   []string `yaml:"domains" env:"BEDSIDE_TLS_DOMAINS" doc:"instead of files: domains of this server, for which certificates are fetched by ACME and kept in the data folder; listen must be reached as port 443, or redirect as port 80"`
	Email     string   `yaml:"email" env:"BEDSIDE_TLS_EMAIL" doc:"where the ACME authority writes to; may be empty"`
	Directory string   `yaml:"directory" env:"BEDSIDE_TLS_DIRECTORY" doc:"the ACME authority; empty: Let's Encrypt"`
	Redirect  string   `yaml:"redirect" env:"BEDSIDE_TLS_REDIRECT" doc:"plain HTTP address that answers the authority and leads everybody else to https; empty: :80 with domains, none with files; off: none"`
}

// Log says how much is logged, and how.
type Log struct {
	Level  string `yaml:"level" env:"BEDSIDE_LOG_LEVEL" doc:"debug, info, warn or error"`
	Format string `yaml:"format" env:"BEDSIDE_LOG_FORMAT" doc:"text or json"`
}

// Store says where state lives. An empty address means the part that is embedded.
type Store struct {
	DatabaseURL string `yaml:"database_url" env:"DATABASE_URL" doc:"PostgreSQL; empty: a private cluster in the data folder" secret:"true"`
	RedisURL    string `yaml:"redis_url" env:"REDIS_URL" doc:"Redis; empty: a compatible server inside the process" secret:"true"`
	NATSURL     string `yaml:"nats_url" env:"NATS_URL" doc:"NATS with JetStream; empty: a server inside the process" secret:"true"`
	BlobURL     string `yaml:"blob_url" env:"BEDSIDE_BLOB_URL" doc:"recordings and media; empty: a folder in the data folder" secret:"true"`
}

// Auth holds what tokens are signed with.
type Auth struct {
	Key            string        `yaml:"key" env:"BEDSIDE_AUTH_KEY" doc:"signs tokens, at least 32 characters; empty: made once and kept in the data folder" secret:"true"`
	OldKeys        []string      `yaml:"old_keys" env:"BEDSIDE_AUTH_OLD_KEYS" doc:"keys that signed before auth.key did: what they signed and sealed stays good" secret:"true"`
	AccessTTL      time.Duration `yaml:"access_ttl" env:"BEDSIDE_AUTH_ACCESS_TTL" doc:"life of an access token"`
	SessionTTL     time.Duration `yaml:"session_ttl" env:"BEDSIDE_AUTH_SESSION_TTL" doc:"a session that is not used for so long ends"`
	SessionMax     time.Duration `yaml:"session_max" env:"BEDSIDE_AUTH_SESSION_MAX" doc:"every session ends after so long, used or not"`
	SessionLimit   int           `yaml:"session_limit" env:"BEDSIDE_AUTH_SESSION_LIMIT" doc:"devices that one account may be signed in on; the one not seen for longest gives way"`
	AllowedOrigins []string      `yaml:"allowed_origins" env:"BEDSIDE_AUTH_ALLOWED_ORIGINS" doc:"further web origins that may call the API and the WebSocket"`
}

// Limits says how many requests a minute are taken from one address and from one account, for
// each class of operations; 0: any number. As many may come at once.
type Limits struct {
	AuthPerIP           int `yaml:"auth_per_ip" env:"BEDSIDE_LIMITS_AUTH_PER_IP" doc:"requests a minute from one address to /auth; 0: any number, as below"`
	AuthPerAccount      int `yaml:"auth_per_account" env:"BEDSIDE_LIMITS_AUTH_PER_ACCOUNT" doc:"the same from one account"`
	ReadPerIP           int `yaml:"read_per_ip" env:"BEDSIDE_LIMITS_READ_PER_IP" doc:"reading requests a minute from one address"`
	ReadPerAccount      int `yaml:"read_per_account" env:"BEDSIDE_LIMITS_READ_PER_ACCOUNT" doc:"the same from one account"`
	WritePerIP          int `yaml:"write_per_ip" env:"BEDSIDE_LIMITS_WRITE_PER_IP" doc:"changing requests a minute from one address"`
	WritePerAccount     int `yaml:"write_per_account" env:"BEDSIDE_LIMITS_WRITE_PER_ACCOUNT" doc:"the same from one account"`
	ExpensivePerIP      int `yaml:"expensive_per_ip" env:"BEDSIDE_LIMITS_EXPENSIVE_PER_IP" doc:"requests a minute from one address for recordings, archives and searches"`
	ExpensivePerAccount int `yaml:"expensive_per_account" env:"BEDSIDE_LIMITS_EXPENSIVE_PER_ACCOUNT" doc:"the same from one account"`
}

// Mail says how letters are sent.
type Mail struct {
	SMTPURL string `yaml:"smtp_url" env:"BEDSIDE_SMTP_URL" doc:"smtp://user:password@host:587 (with STARTTLS) or smtps://host:465; empty: mail stays in the data folder, and is shown at /dev/outbox while the server listens on loopback only" secret:"true"`
	From    string `yaml:"from" env:"BEDSIDE_MAIL_FROM" doc:"whom mail is from"`
}

// Media is the WebRTC side.
type Media struct {
	UDP             string        `yaml:"udp" env:"BEDSIDE_MEDIA_UDP" doc:"the one UDP address for all media; port 0 takes a free one; empty host: the HTTP address's"`
	PublicIPs       []string      `yaml:"public_ips" env:"BEDSIDE_MEDIA_PUBLIC_IPS" doc:"addresses to tell clients when the host is behind NAT"`
	MaxRooms        int           `yaml:"max_rooms" env:"BEDSIDE_MEDIA_MAX_ROOMS" doc:"rooms on this node"`
	MaxParticipants int           `yaml:"max_participants" env:"BEDSIDE_MEDIA_MAX_PARTICIPANTS" doc:"participants in a room"`
	MaxPerAddress   int           `yaml:"max_per_address" env:"BEDSIDE_MEDIA_MAX_PER_ADDRESS" doc:"WebSockets from one IP address"`
	Grace           time.Duration `yaml:"grace" env:"BEDSIDE_MEDIA_GRACE" doc:"how long a lost participant's place is kept"`
}

// Speech is the analysis side.
type Speech struct {
	Workers int           `yaml:"workers" env:"BEDSIDE_SPEECH_WORKERS" doc:"role plays analysed at the same time"`
	IdleEnd time.Duration `yaml:"idle_end" env:"BEDSIDE_SPEECH_IDLE_END" doc:"a role play whose media server has been silent for so long is taken as ended"`
}

// Load sums the embedded defaults, the file (none when path is empty) and the environment, given
// as KEY=value.
func Load(path string, environ []string) (Config, error) {
	var c Config
	if err := decode(defaults, &c); err != nil {
		return c, fmt.Errorf("embedded default.yaml: %w", err)
	}
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("configuration file: %w", err)
		}
		if err := decode(b, &c); err != nil {
			return c, fmt.Errorf("configuration file %s: %w", path, err)
		}
	}
	vars := env.ToMap(environ)
	if err := unknownVariables(vars); err != nil {
		return c, err
	}
	// An empty variable counts as unset: compose files pass every name through.
	for k, v := range vars {
		if v == "" {
			delete(vars, k)
		}
	}
	if err := env.ParseWithOptions(&c, env.Options{Environment: vars}); err != nil {
		return c, fmt.Errorf("environment: %w", err)
	}
	return c, c.Validate()
}

func decode(b []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func unknownVariables(vars map[string]string) error {
	known := map[string]bool{"BEDSIDE_CONFIG": true}
	for _, s := range Settings() {
		known[s.Env] = true
	}
	var unknown []string
	for k := range vars {
		if strings.HasPrefix(k, "BEDSIDE_") && !known[k] && !testOnly(k) {
			unknown = append(unknown, k)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("environment: unknown setting %s (the README lists those that exist)",
		strings.Join(unknown, ", "))
}

// testOnly names variables that the project's own tests read; the server has no use for them.
func testOnly(name string) bool {
	return name == "BEDSIDE_BIN" || strings.HasPrefix(name, "BEDSIDE_TEST_")
}

// Validate reports every setting that cannot work, all at once.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	oneOf := func(name, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			bad("%s: %q is not one of %s", name, value, strings.Join(allowed, ", "))
		}
	}
	if c.Data == "" {
		bad("data: a folder is needed")
	}
	for _, r := range strings.Split(c.Role, ",") {
		oneOf("role", r, "all", "api", "media", "speech")
	}
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "text", "json")
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen: %q is not host:port", c.Listen)
	}
	if _, _, err := net.SplitHostPort(c.Media.UDP); err != nil {
		bad("media.udp: %q is not host:port (the host may be empty)", c.Media.UDP)
	}
	for _, ip := range c.Media.PublicIPs {
		if net.ParseIP(ip) == nil {
			bad("media.public_ips: %q is not an IP address", ip)
		}
	}
	if err := (certs.Config{
		CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, Domains: c.TLS.Domains,
		Directory: c.TLS.Directory,
	}).Validate(); err != nil {
		bad("%w", err)
	}
	for name, address := range map[string]string{
		"tls.redirect": c.TLS.Redirect, "pprof": c.Pprof,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil && address != "" &&
			!(name == "tls.redirect" && address == "off") {
			bad("%s: %q is not host:port (the host may be empty)", name, address)
		}
	}
	if c.TLS.Redirect != "" && c.TLS.Redirect != "off" && c.TLS.CertFile == "" &&
		len(c.TLS.Domains) == 0 {
		bad("tls.redirect: there is no https to lead to: set cert_file and key_file, or domains")
	}
	for name, address := range map[string]string{
		"public_url": c.PublicURL, "otlp_endpoint": c.OTLPEndpoint,
	} {
		if u, err := url.Parse(address); address != "" &&
			(err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
			bad("%s: %q is not an http or https address", name, address)
		}
	}
	if _, err := httpx.ParseProxies(c.Proxies); err != nil {
		bad("proxies: %w", err)
	}
	for name, n := range map[string]int{
		"auth_per_ip": c.Limits.AuthPerIP, "auth_per_account": c.Limits.AuthPerAccount, "read_per_ip": c.Limits.ReadPerIP, "read_per_account": c.Limits.ReadPerAccount,
		"write_per_ip": c.Limits.WritePerIP, "write_per_account": c.Limits.WritePerAccount, "expensive_per_ip": c.Limits.ExpensivePerIP, "expensive_per_account": c.Limits.ExpensivePerAccount,
	} {
		if n < 0 || n > 10_000_000 {
			bad("limits.%s: %d is not a number of requests a minute (0: any number)", name, n)
		}
	}
	if c.Auth.Key != "" && len(c.Auth.Key) < 32 {
		bad("auth.key: at least 32 characters are needed")
	}
	for _, key := range c.Auth.OldKeys {
		if len(key) < 32 {
			bad("auth.old_keys: at least 32 characters each are needed")
		}
	}
	for name, n := range map[string]int{
		"media.max_rooms": c.Media.MaxRooms, "media.max_participants": c.Media.MaxParticipants,
		"media.max_per_address": c.Media.MaxPerAddress, "speech.workers": c.Speech.Workers,
		"auth.session_limit": c.Auth.SessionLimit,
	} {
		if n < 1 {
			bad("%s: at least 1 is needed", name)
		}
	}
	for name, d := range map[string]time.Duration{
		"auth.access_ttl": c.Auth.AccessTTL, "auth.session_ttl": c.Auth.SessionTTL, "auth.session_max": c.Auth.SessionMax, "media.grace": c.Media.Grace, "speech.idle_end": c.Speech.IdleEnd,
	} {
		if d <= 0 {
			bad("%s: a time above zero is needed", name)
		}
	}
	if c.Role != "all" {
		need := func(value, name string) {
			if value == "" {
				bad("role %s: set %s, since other processes hold the other roles", c.Role, name)
			}
		}
		need(c.Store.DatabaseURL, "DATABASE_URL")
		need(c.Store.NATSURL, "NATS_URL")
		need(c.Store.BlobURL, "BEDSIDE_BLOB_URL")
		if c.Has("api") != c.Has("media") {
			need(c.Store.RedisURL, "REDIS_URL")
			need(c.Auth.Key, "BEDSIDE_AUTH_KEY")
		}
	}
	return errors.Join(errs...)
}

// Has reports whether this process takes the role api, media or speech.
func (c Config) Has(role string) bool {
	return c.Role == "all" || slices.Contains(strings.Split(c.Role, ","), role)
}
