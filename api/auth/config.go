package auth

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Config configures tokens and sessions. A zero field means the value in Defaults.
type Config struct {
	Key           string        `key:"auth.key" env:"BEDSIDE_AUTH_KEY" doc:"signs tokens, at least 32 characters; empty: generated on first use and kept in the data folder" secret:"true"`
	OldKeys       []string      `key:"auth.old_keys" env:"BEDSIDE_AUTH_OLD_KEYS" doc:"earlier values of auth.key: what they signed and sealed stays valid" secret:"true"`
	AccessTTL     time.Duration `key:"auth.access_ttl" env:"BEDSIDE_AUTH_ACCESS_TTL" doc:"lifetime of an access token"`
	SessionTTL    time.Duration `key:"auth.session_ttl" env:"BEDSIDE_AUTH_SESSION_TTL" doc:"a session ends when it has not been used for this long"`
	SessionMax    time.Duration `key:"auth.session_max" env:"BEDSIDE_AUTH_SESSION_MAX" doc:"a session ends at this age, used or not"`
	SessionLimit  int           `key:"auth.session_limit" env:"BEDSIDE_AUTH_SESSION_LIMIT" doc:"maximum number of signed-in devices of an account; a further sign-in ends the session that was used least recently"`
	PasswordScore int           `key:"auth.password_score" env:"BEDSIDE_AUTH_PASSWORD_SCORE" doc:"how hard new passwords must be to guess, by zxcvbn: from 1 (not the first tries of anybody) to 4 (very hard)"`
	BreachURL     string        `key:"auth.breach_url" env:"BEDSIDE_AUTH_BREACH_URL" doc:"server that knows passwords of published breaches, such as https://api.pwnedpasswords.com; new passwords are looked up by five digits of their hash; empty: they are not"`

	HashCost  int    // of bcrypt
	KeyFile   string // has the key when Key is empty; created when missing
	Keys      []Key  // replaces Key, OldKeys and KeyFile; the first signs, all verify
	Issuer    string
	TicketTTL time.Duration // lifetime of a join ticket

	// OnSessionEnded is called when a session has ended, so that its sockets can be closed; may be
	// nil.
	OnSessionEnded func(sessionID, reason string)
	// OnUserChanged is called when an account has changed, so that caches can drop it; may be nil.
	OnUserChanged func(userID string)
	// OnBreachCheck is called with the result of each question to BreachURL; may be nil.
	OnBreachCheck func(result string)
	Clock         func() time.Time
}

// Defaults returns the default configuration.
func Defaults() Config {
	const day = 24 * time.Hour
	return Config{
		AccessTTL: 10 * time.Minute, SessionTTL: 30 * day, SessionMax: 90 * day, SessionLimit: 5,
		PasswordScore: 2, HashCost: bcrypt.DefaultCost, Issuer: "bedside", TicketTTL: time.Minute,
		OnBreachCheck:  func(string) {},
		OnSessionEnded: func(string, string) {}, OnUserChanged: func(string) {}, Clock: time.Now,
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.AccessTTL = cmp.Or(c.AccessTTL, d.AccessTTL)
	c.SessionTTL = cmp.Or(c.SessionTTL, d.SessionTTL)
	c.SessionMax = cmp.Or(c.SessionMax, d.SessionMax)
	c.SessionLimit = cmp.Or(c.SessionLimit, d.SessionLimit)
	c.PasswordScore = cmp.Or(c.PasswordScore, d.PasswordScore)
	c.HashCost = cmp.Or(c.HashCost, d.HashCost)
	c.Issuer = cmp.Or(c.Issuer, d.Issuer)
	c.TicketTTL = cmp.Or(c.TicketTTL, d.TicketTTL)
	if c.OnSessionEnded == nil {
		c.OnSessionEnded = d.OnSessionEnded
	}
	if c.OnUserChanged == nil {
		c.OnUserChanged = d.OnUserChanged
	}
	if c.OnBreachCheck == nil {
		c.OnBreachCheck = d.OnBreachCheck
	}
	if c.Clock == nil {
		c.Clock = d.Clock
	}
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	var errs []error
	if c.Key != "" && len(c.Key) < minSecret {
		errs = append(errs, fmt.Errorf("auth.key: at least %d characters are needed", minSecret))
	}
	for _, key := range c.OldKeys {
		if len(key) < minSecret {
			errs = append(errs,
				fmt.Errorf("auth.old_keys: at least %d characters each are needed", minSecret))
		}
	}
	if c.SessionLimit < 1 {
		errs = append(errs, errors.New("auth.session_limit: at least 1 is needed"))
	}
	if c.PasswordScore < 1 || c.PasswordScore > 4 {
		errs = append(errs, errors.New("auth.password_score: a number from 1 to 4 is needed"))
	}
	if c.BreachURL != "" && !validBreachURL(c.BreachURL) {
		errs = append(errs, fmt.Errorf("auth.breach_url: %q is not an http or https address",
			c.BreachURL))
	}
	for _, ttl := range []struct {
		key   string
		value time.Duration
	}{
		{"auth.access_ttl", c.AccessTTL}, {"auth.session_ttl", c.SessionTTL},
		{"auth.session_max", c.SessionMax},
	} {
		if ttl.value <= 0 {
			errs = append(errs, fmt.Errorf("%s: a time above zero is needed", ttl.key))
		}
	}
	return errors.Join(errs...)
}

// keys returns the keys that the configuration names, the one that signs first.
func (c Config) keys() (keys []Key, err error) {
	if c.Keys != nil || c.Key == "" && c.KeyFile == "" {
		return c.Keys, nil
	}
	current := NewKey([]byte(c.Key))
	if c.Key == "" {
		if current, err = KeyFromFile(c.KeyFile); err != nil {
			return nil, err
		}
	}
	keys = append(keys, current)
	for _, old := range c.OldKeys {
		keys = append(keys, NewKey([]byte(old)))
	}
	return keys, nil
}
