package chat

import (
	"cmp"
	"errors"
	"time"

	"bedside/speech/endpoint"
)

// Config configures a Patient. A zero field means the value in Defaults.
type Config struct {
	URL      string        `key:"speech.chat_url" env:"BEDSIDE_CHAT_URL" doc:"a chat API like OpenAI's (/chat/completions) that words what automatic patients say, such as https://chat.example/v1; empty: they say their script"`
	Key      string        `key:"speech.chat_key" env:"BEDSIDE_CHAT_KEY" doc:"key for that API, sent as a bearer token" secret:"true"`
	Model    string        `key:"speech.chat_model" env:"BEDSIDE_CHAT_MODEL" doc:"the model that the chat API uses"`
	Deadline time.Duration `key:"speech.chat_deadline" env:"BEDSIDE_CHAT_DEADLINE" doc:"after this time without a line from the chat API, the patient says its script"`

	Clock func() time.Time
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{Model: "gpt-4o-mini", Deadline: 900 * time.Millisecond, Clock: time.Now}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.Model, c.Deadline = cmp.Or(c.Model, d.Model), cmp.Or(c.Deadline, d.Deadline)
	if c.Clock == nil {
		c.Clock = d.Clock
	}
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	errs := []error{endpoint.CheckSetting("speech.chat_url", c.URL, "http", "https")}
	if c.Deadline < 100*time.Millisecond || c.Deadline > 5*time.Second {
		errs = append(errs, errors.New("speech.chat_deadline: must be from 100ms to 5s"))
	}
	return errors.Join(errs...)
}
