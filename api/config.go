package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"time"

	"bedside/api/attempts"
	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/api/media"
	"bedside/store"
)

// Config configures the handler. A zero RequestTimeout or Limits means the value in Defaults.
type Config struct {
	PublicURL      string   `key:"public_url" env:"BEDSIDE_PUBLIC_URL" doc:"address that browsers use, when there is a proxy in front; empty: the HTTP address"`
	Proxies        []string `key:"proxies" env:"BEDSIDE_PROXIES" doc:"networks of the trusted proxies in front, such as 10.0.0.0/8; X-Forwarded-For and X-Forwarded-Proto from anywhere else are ignored"`
	AllowedOrigins []string `key:"auth.allowed_origins" env:"BEDSIDE_AUTH_ALLOWED_ORIGINS" doc:"further web origins that may call the API and the WebSocket"`
	MediaOrigins   []string `key:"media.origins" env:"BEDSIDE_MEDIA_ORIGINS" doc:"origins of media nodes that pages may connect to besides those of the nodes that run, such as wss://*.media.example.org, for nodes that start after a page was loaded"`
	HSTSSubdomains bool     `key:"tls.hsts_subdomains" env:"BEDSIDE_TLS_HSTS_SUBDOMAINS" doc:"tell browsers to use https for every subdomain of this host as well; only when all of them have it"`
	Registration   string   `key:"auth.registration" env:"BEDSIDE_AUTH_REGISTRATION" doc:"who can get an account: open (anyone who registers), invitation (people an administrator invites) or closed (people whose account an administrator creates, with a password)"`
	Rates          Rates
	Media          media.Config

	Limits         auth.Limits
	ICEServers     func() []attempts.ICEServer // may be nil
	RequestTimeout time.Duration               // time limit of REST operations
}

// Rate is a number of requests a minute. As many may come at once. Zero means no limit.
type Rate struct {
	PerIP      int `key:"_per_ip" env:"_PER_IP" doc:"requests a minute from one IP address; 0: no limit"`
	PerAccount int `key:"_per_account" env:"_PER_ACCOUNT" doc:"requests a minute from one account; 0: no limit"`
}

// Rates are the rates of each class of operations. Each class is counted by itself.
type Rates struct {
	Auth      Rate `key:"limits.auth" env:"BEDSIDE_LIMITS_AUTH" doc:"operations below /auth"`
	Read      Rate `key:"limits.read" env:"BEDSIDE_LIMITS_READ" doc:"operations that read"`
	Write     Rate `key:"limits.write" env:"BEDSIDE_LIMITS_WRITE" doc:"operations that change something"`
	Expensive Rate `key:"limits.expensive" env:"BEDSIDE_LIMITS_EXPENSIVE" doc:"recordings, archives and searches"`
	Attempts  Rate `key:"limits.attempts" env:"BEDSIDE_LIMITS_ATTEMPTS" doc:"new role plays"`
	Joins     Rate `key:"limits.joins" env:"BEDSIDE_LIMITS_JOINS" doc:"tickets to join a room, each for one join"`
	Uploads   Rate `key:"limits.uploads" env:"BEDSIDE_LIMITS_UPLOADS" doc:"uploads of pictures and sounds"`
}

// Defaults returns the default configuration. Its rates suit a class of people behind one IP
// address.
func Defaults() Config {
	return Config{
		Rates: Rates{
			Auth:      Rate{PerIP: 600, PerAccount: 300},
			Read:      Rate{PerIP: 12_000, PerAccount: 3_000},
			Write:     Rate{PerIP: 6_000, PerAccount: 3_000},
			Expensive: Rate{PerIP: 1_200, PerAccount: 240},
			Attempts:  Rate{PerIP: 120, PerAccount: 20},
			Joins:     Rate{PerIP: 600, PerAccount: 60},
			Uploads:   Rate{PerIP: 120, PerAccount: 20},
		},
		Media:  media.Defaults(),
		Limits: auth.DefaultLimits(), RequestTimeout: 15 * time.Second,
		Registration: string(store.RegistrationOpen),
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.RequestTimeout = cmp.Or(c.RequestTimeout, d.RequestTimeout)
	c.Limits = cmp.Or(c.Limits, d.Limits)
	c.Registration = cmp.Or(c.Registration, d.Registration)
	return c
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" &&
		(err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
		errs = append(errs,
			fmt.Errorf("public_url: %q is not an http or https address", c.PublicURL))
	}
	if r := store.Registration(c.Registration); r != "" && !r.Valid() {
		errs = append(errs, fmt.Errorf(
			"auth.registration: %q is not one of open, invitation, closed", r))
	}
	for _, origin := range c.MediaOrigins {
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" ||
			u.Scheme+"://"+u.Host != origin {
			errs = append(errs, fmt.Errorf("media.origins: %q is not an origin such as "+
				"wss://media1.example.org", origin))
		}
	}
	if _, err := httpx.ParseProxies(c.Proxies); err != nil {
		errs = append(errs, fmt.Errorf("proxies: %w", err))
	}
	for _, class := range []struct {
		key  string
		rate Rate
	}{
		{"limits.auth", c.Rates.Auth}, {"limits.read", c.Rates.Read},
		{"limits.write", c.Rates.Write}, {"limits.expensive", c.Rates.Expensive},
		{"limits.attempts", c.Rates.Attempts}, {"limits.joins", c.Rates.Joins},
		{"limits.uploads", c.Rates.Uploads},
	} {
		errs = append(errs, class.rate.validate(class.key))
	}
	errs = append(errs, c.Media.Validate())
	return errors.Join(errs...)
}

func (r Rate) validate(key string) error {
	const most = 10_000_000
	check := func(key string, n int) error {
		if n < 0 || n > most {
			return fmt.Errorf("%s: %d is not a number of requests a minute (0: no limit)", key, n)
		}
		return nil
	}
	return errors.Join(check(key+"_per_ip", r.PerIP), check(key+"_per_account", r.PerAccount))
}
