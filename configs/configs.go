// Package configs holds every setting of a Bedside server. Each package describes its own settings
// in its Config; this package composes them and reads their values.
//
// A setting is a field with three tags: key is its name in a configuration file, env its
// environment variable, and doc its description. For example:
//
//	Grace time.Duration `key:"media.grace" env:"BEDSIDE_MEDIA_GRACE" doc:"how long ..."`
//
// A field without a key is no setting: code sets it. The tags of a struct field, such as
// api.Rates.Auth, are put before those of its own fields. Defaults come from the Defaults function
// of each package, and checks from its Validate method. README.md's table and default.yaml are
// generated from both.
//
// A value comes from, in rising order of precedence: the defaults, a YAML file, the environment,
// the flags of a command. Only package main imports configs.
package configs

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bedside/api"
	"bedside/api/auth"
	"bedside/api/certs"
	"bedside/api/health"
	"bedside/api/mail"
	"bedside/api/server"
	"bedside/sfu"
	"bedside/signaling"
	"bedside/speech"
	"bedside/speech/actor"
	"bedside/speech/asr/openai"
	"bedside/speech/asr/sherpa"
	"bedside/speech/asr/sphinx"
	"bedside/speech/bus"
	"bedside/speech/chat"
	"bedside/speech/realtime"
	"bedside/speech/voice"
	"bedside/store"
	"bedside/store/blob"
	"bedside/store/postgres"
	"bedside/store/presence"
)

//go:generate env UPDATE=1 go test -count=1 -run TestGeneratedFiles .

// Config is the configuration of a server. The zero value is not usable: start from Defaults or
// Load.
type Config struct {
	Data string `key:"data" env:"BEDSIDE_DATA" doc:"folder that holds all state: database cluster, streams, recordings, keys"`
	Role string `key:"role" env:"BEDSIDE_ROLE" doc:"what this process does: all, or a comma-separated list of api, media and speech"`
	Demo string `key:"demo" env:"BEDSIDE_DEMO" doc:"the demo accounts, whose password everybody knows: auto (only while the server is reached by loopback alone), true or false"`
	// MediaUDP becomes sfu.Config.UDPAddr; MediaAddress resolves it.
	MediaUDP string `key:"media.udp" env:"BEDSIDE_MEDIA_UDP" doc:"the one UDP address for all media; port 0 takes a free port; empty host: the host of listen"`

	AdminEmail    string `key:"auth.admin_email" env:"BEDSIDE_ADMIN_EMAIL" doc:"address of the first administrator, who is created at the start while there is none"`
	AdminPassword string `key:"auth.admin_password" env:"BEDSIDE_ADMIN_PASSWORD" doc:"password of the first administrator; ignored once there is one" secret:"true"`

	TLS       certs.Config
	Auth      auth.Config
	Server    server.Config
	API       api.Config
	Health    health.Config
	Log       Log
	Postgres  postgres.Config
	Presence  presence.Config
	Bus       bus.Config
	Blob      blob.Config
	Mail      mail.Config
	SFU       sfu.Config
	Signaling signaling.Config
	Speech    speech.Config
	Hearing   openai.Config
	Sherpa    sherpa.Config
	Sphinx    sphinx.Config
	Voice     voice.Config
	Chat      chat.Config
	Realtime  realtime.Config
	Patients  actor.Config
	Retention store.Retention
}

// Defaults returns the configuration of a server without a file and an environment.
func Defaults() Config {
	return Config{
		Data: "./data", Role: "all", Demo: "auto", MediaUDP: ":0",
		Server: server.Defaults(), API: api.Defaults(), Health: health.Defaults(),
		Log:      Log{Level: "info", Format: "text"},
		Postgres: postgres.Defaults(), Presence: presence.Defaults(), Bus: bus.Defaults(),
		Blob: blob.Defaults(), Auth: auth.Defaults(), Mail: mail.Defaults(),
		SFU: sfu.Defaults(), Signaling: signaling.Defaults(), Speech: speech.Defaults(),
		Hearing: openai.Defaults(), Sphinx: sphinx.Defaults(), Voice: voice.Defaults(),
		Chat: chat.Defaults(), Realtime: realtime.Defaults(), Patients: actor.Defaults(),
		Retention: store.DefaultRetention(),
	}
}

// ErrFlags is returned by Override when the flags of a command make the configuration invalid.
var ErrFlags = errors.New("wrong usage")

// Load returns the configuration from the defaults, the file at path (none when path is empty) and
// the environment, given as KEY=value. It is an error when a key, or a variable that begins with
// BEDSIDE_, is not a setting. A variable without a value counts as unset, since compose files pass
// every name on.
func Load(path string, environ []string) (Config, error) {
	c := Defaults()
	settings := settingsOf(&c)
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return c, fmt.Errorf("configuration file: %w", err)
		}
		if err := readYAML(b, settings); err != nil {
			return c, fmt.Errorf("configuration file %s: %w", path, err)
		}
	}
	if err := readEnvironment(environ, settings); err != nil {
		return c, fmt.Errorf("environment: %w", err)
	}
	return c, c.Validate()
}

// Override changes settings, by key, to the flags that a command was given. An empty value means
// that the flag is not there. It returns ErrFlags when the result is invalid.
func (c *Config) Override(flags map[string]string) error {
	settings := settingsOf(c)
	for key, value := range flags {
		if value == "" {
			continue
		}
		i := slices.IndexFunc(settings, func(s setting) bool { return s.Key == key })
		if err := settings[i].set(value); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrFlags, key, err)
		}
	}
	if err := c.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrFlags, err)
	}
	return nil
}

// Validate reports every setting that cannot work, all at once.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Data == "" {
		bad("data: a folder is needed")
	}
	worker := filepath.Join(c.Data, "spool") // emptied at every start
	if in, err := filepath.Rel(worker, c.Bus.SpoolDir); c.Bus.SpoolDir != "" && err == nil &&
		filepath.IsLocal(in) {
		bad("media.spool_dir: %s is emptied at every start; choose another folder", worker)
	}
	if _, err := strconv.ParseBool(c.Demo); err != nil && c.Demo != "auto" {
		bad("demo: %q is not one of auto, true, false", c.Demo)
	}
	if (c.AdminEmail == "") != (c.AdminPassword == "") {
		bad("auth.admin_email and auth.admin_password go together")
	}
	for _, r := range strings.Split(c.Role, ",") {
		errs = append(errs, oneOf("role", r, "all", "api", "media", "speech"))
	}
	if _, _, err := net.SplitHostPort(c.MediaUDP); err != nil {
		bad("media.udp: %q is not host:port (the host may be empty)", c.MediaUDP)
	}
	if c.Server.Redirect != "" && c.Server.Redirect != server.Off && !c.TLS.On() {
		bad("tls.redirect: there is no https to redirect to: " +
			"set cert_file and key_file, or domains")
	}
	if strings.HasPrefix(c.PublicURL(), "https:") &&
		strings.HasPrefix(c.Signaling.Endpoint, "ws:") {
		bad("media.endpoint: pages on https cannot open %s; it must be wss://", c.Signaling.Endpoint)
	}
	errs = append(errs, c.validateRole(), c.Server.Validate(), c.API.Validate(),
		c.Health.Validate(), c.TLS.Validate(), c.Log.Validate(), c.Blob.Validate(),
		c.Bus.Validate(), c.Auth.Validate(), c.SFU.Validate(), c.Sphinx.Validate(),
		c.Signaling.Validate(), c.Speech.Validate(), c.Hearing.Validate(), c.Voice.Validate(),
		c.Patients.Validate(), c.Chat.Validate(), c.Realtime.Validate(), c.Retention.Validate())
	return errors.Join(errs...)
}

// validateRole checks that processes which share the roles also share their services.
func (c Config) validateRole() error {
	if c.Role == "all" {
		return nil
	}
	var errs []error
	need := func(value, name string) {
		if value == "" {
			errs = append(errs, fmt.Errorf(
				"role %s: set %s, since other processes have the other roles", c.Role, name))
		}
	}
	need(c.Postgres.URL, "DATABASE_URL")
	need(c.Bus.URL, "NATS_URL")
	need(c.Blob.URL, "BEDSIDE_BLOB_URL")
	if c.Has("api") != c.Has("media") {
		need(c.Presence.URL, "REDIS_URL")
		need(c.Auth.Key, "BEDSIDE_AUTH_KEY")
	}
	if c.Has("media") && !c.Has("api") {
		need(c.Signaling.Endpoint, "BEDSIDE_MEDIA_ENDPOINT (what clients dial)")
	}
	return errors.Join(errs...)
}

func oneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is not one of %s", key, value, strings.Join(allowed, ", "))
}
