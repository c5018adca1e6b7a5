package openai

import (
	"cmp"
	"errors"
	"time"

	"bedside/speech/endpoint"
)

// Config configures a Recogniser. A zero field means the value in Defaults.
type Config struct {
	URL        string        `key:"speech.hearing_url" env:"BEDSIDE_HEARING_URL" doc:"a transcription API like OpenAI's (/audio/transcriptions) that hears candidates for automatic patients, such as https://speech.example/v1; empty: only the recognisers of this machine"`
	Key        string        `key:"speech.hearing_key" env:"BEDSIDE_HEARING_KEY" doc:"key for that API, sent as a bearer token" secret:"true"`
	Model      string        `key:"speech.hearing_model" env:"BEDSIDE_HEARING_MODEL" doc:"the model that the transcription API uses"`
	Timeout    time.Duration `key:"speech.hearing_timeout" env:"BEDSIDE_HEARING_TIMEOUT" doc:"after this time without words from the transcription API, the next recogniser hears the turn"`
	WholeTurns bool          `key:"speech.hearing_whole_turns" env:"BEDSIDE_HEARING_WHOLE_TURNS" doc:"send the transcription API each turn once, at its end: fewer requests, but later answers and no captions while the candidate speaks"`
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{Model: "whisper-1", Timeout: 3 * time.Second} }

func (c Config) withDefaults() Config {
	d := Defaults()
	c.Model, c.Timeout = cmp.Or(c.Model, d.Model), cmp.Or(c.Timeout, d.Timeout)
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	errs := []error{endpoint.CheckSetting("speech.hearing_url", c.URL, "http", "https")}
	if c.Timeout < 200*time.Millisecond || c.Timeout > 20*time.Second {
		errs = append(errs, errors.New("speech.hearing_timeout: must be from 200ms to 20s"))
	}
	return errors.Join(errs...)
}
