package voice

import (
	"cmp"
	"errors"
	"time"

	"bedside/speech/endpoint"
)

// Config configures Voices. A zero field means the value in Defaults.
type Config struct {
	URL     string        `key:"speech.voice_url" env:"BEDSIDE_VOICE_URL" doc:"a speech API like OpenAI's (/audio/speech) that speaks for automatic patients, such as https://speech.example/v1; empty: only the voices of this machine"`
	Key     string        `key:"speech.voice_key" env:"BEDSIDE_VOICE_KEY" doc:"key for that API, sent as a bearer token" secret:"true"`
	Model   string        `key:"speech.voice_model" env:"BEDSIDE_VOICE_MODEL" doc:"the model that the speech API uses"`
	Female  string        `key:"speech.voice_female" env:"BEDSIDE_VOICE_FEMALE" doc:"the speech API's voice for women"`
	Male    string        `key:"speech.voice_male" env:"BEDSIDE_VOICE_MALE" doc:"the speech API's voice for men"`
	Timeout time.Duration `key:"speech.voice_timeout" env:"BEDSIDE_VOICE_TIMEOUT" doc:"how long rendering a line beforehand may take"`

	// Wait is how long a line that is to be said now waits for an engine elsewhere, before another
	// one speaks it.
	Wait  time.Duration
	Clock func() time.Time
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{
		Model: "tts-1", Female: "nova", Male: "onyx", Timeout: 20 * time.Second,
		Wait: 700 * time.Millisecond, Clock: time.Now,
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	c.Model, c.Female = cmp.Or(c.Model, d.Model), cmp.Or(c.Female, d.Female)
	c.Male, c.Timeout = cmp.Or(c.Male, d.Male), cmp.Or(c.Timeout, d.Timeout)
	c.Wait = cmp.Or(c.Wait, d.Wait)
	if c.Clock == nil {
		c.Clock = d.Clock
	}
	return c
}

// Validate reports every setting that cannot work. It expects a configuration without zero fields.
func (c Config) Validate() error {
	errs := []error{endpoint.CheckSetting("speech.voice_url", c.URL, "http", "https")}
	if c.Timeout < time.Second || c.Timeout > time.Minute {
		errs = append(errs, errors.New("speech.voice_timeout: must be from 1s to 1m"))
	}
	return errors.Join(errs...)
}

// Available says which of the voices there are, by preference.
type Available struct {
	Name string
	Err  error // why it is missing
}

// Find looks for voices, without sending anything anywhere.
func Find(cfg Config) []Available {
	list, _ := find(cfg.withDefaults())
	return list
}

// find returns the engines that there are, by preference, and what was looked for.
func find(c Config) (list []Available, engines []engine) {
	if e := c.newAPI(); e != nil {
		list, engines = append(list, Available{Name: e.name()}), append(engines, e)
	}
	for _, local := range []struct {
		name string
		open func() (engine, error)
	}{{"flite", newFlite}, {"espeak-ng", newEspeak}} {
		e, err := local.open()
		list = append(list, Available{local.name, err})
		if err == nil {
			engines = append(engines, e)
		}
	}
	return list, engines
}
