package server

import (
	"errors"
	"fmt"
	"net"
	"net/url"
)

// Config says where the process listens, and where it sends traces.
type Config struct {
	Listen       string `key:"listen" env:"BEDSIDE_LISTEN" doc:"HTTP address; loopback only unless you change it"`
	Pprof        string `key:"pprof" env:"BEDSIDE_PPROF" doc:"private address that serves Go profiles and /metrics, which the public one then does not; without a host it is on loopback; empty: no profiles, and /metrics at the public address"`
	OTLPEndpoint string `key:"otlp_endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" doc:"OpenTelemetry collector that receives traces over HTTP, such as http://localhost:4318; empty: no traces"`
	Redirect     string `key:"tls.redirect" env:"BEDSIDE_TLS_REDIRECT" doc:"plain HTTP address that answers ACME challenges and redirects all other requests to https; empty: :80 with domains, none with files; off: none"`
}

// Off as Config.Redirect means that no plain HTTP is served beside https.
const Off = "off"

// Defaults returns the default configuration.
func Defaults() Config { return Config{Listen: "127.0.0.1:8080"} }

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %q is not host:port", c.Listen))
	}
	optional := func(key, address string) {
		if _, _, err := net.SplitHostPort(address); err != nil && address != "" {
			errs = append(errs,
				fmt.Errorf("%s: %q is not host:port (the host may be empty)", key, address))
		}
	}
	optional("pprof", c.Pprof)
	if c.Redirect != Off {
		optional("tls.redirect", c.Redirect)
	}
	if u, err := url.Parse(c.OTLPEndpoint); c.OTLPEndpoint != "" &&
		(err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
		errs = append(errs,
			fmt.Errorf("otlp_endpoint: %q is not an http or https address", c.OTLPEndpoint))
	}
	return errors.Join(errs...)
}
