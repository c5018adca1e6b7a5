package realtime

import (
	"cmp"
	"errors"
	"time"

	"bedside/speech/endpoint"
)

// Config configures a Client. A zero field means the value in Defaults.
type Config struct {
	URL      string        `key:"speech.realtime_url" env:"BEDSIDE_REALTIME_URL" doc:"an API like OpenAI's Realtime (WebSocket) that plays automatic patients, such as wss://realtime.example/v1/realtime; it hears the candidate; empty: patients say their script"`
	Key      string        `key:"speech.realtime_key" env:"BEDSIDE_REALTIME_KEY" doc:"key for that API, sent as a bearer token" secret:"true"`
	Model    string        `key:"speech.realtime_model" env:"BEDSIDE_REALTIME_MODEL" doc:"the model that the realtime API uses"`
	Female   string        `key:"speech.realtime_female" env:"BEDSIDE_REALTIME_FEMALE" doc:"the realtime API's voice for women"`
	Male     string        `key:"speech.realtime_male" env:"BEDSIDE_REALTIME_MALE" doc:"the realtime API's voice for men"`
	Deadline time.Duration `key:"speech.realtime_deadline" env:"BEDSIDE_REALTIME_DEADLINE" doc:"after this time without a word from the realtime API, the patient says its script"`

	Stall time.Duration // how long no more sound may come in the middle of a reply
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{
		Model: "gpt-realtime", Female: "marin", Male: "cedar", Deadline: 1100 * time.Millisecond,
		Stall: 1500 * time.Millisecond,
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.Model, c.Deadline = cmp.Or(c.Model, d.Model), cmp.Or(c.Deadline, d.Deadline)
	c.Stall = cmp.Or(c.Stall, d.Stall)
	c.Female, c.Male = cmp.Or(c.Female, d.Female), cmp.Or(c.Male, d.Male)
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	errs := []error{endpoint.CheckSetting("speech.realtime_url", c.URL, "ws", "wss")}
	if c.Deadline < 200*time.Millisecond || c.Deadline > 5*time.Second {
		errs = append(errs, errors.New("speech.realtime_deadline: must be from 200ms to 5s"))
	}
	return errors.Join(errs...)
}
