package sphinx

import (
	"fmt"
	"os"
)

// Config configures a Recogniser. A zero field means the value in Defaults.
type Config struct {
	// Model is the folder with an acoustic model, a language model and a dictionary as the package
	// pocketsphinx-en-us has them.
	Model string
	// Adapted is the file of a model as "bedside train recogniser" writes it.
	Adapted string `key:"speech.learners_model" env:"BEDSIDE_LEARNERS_MODEL" doc:"a model of the built-in recogniser that \"bedside train recogniser\" adapted to your learners; empty: the one that comes with the program"`
	// Vocabulary is how many frequent words are recognised besides the scenario's.
	Vocabulary int
}

// Defaults returns the default configuration.
func Defaults() Config {
	return Config{Model: "/usr/share/pocketsphinx/model/en-us", Vocabulary: 5500}
}

// Validate reports a setting that cannot work.
func (c Config) Validate() error {
	if c.Adapted == "" {
		return nil
	}
	if _, err := os.Stat(c.Adapted); err != nil {
		return fmt.Errorf("speech.learners_model: %w", err)
	}
	return nil
}
