//go:build !linux

package sphinx

import (
	"context"
	"errors"

	"bedside/speech/asr"
	"bedside/speech/asr/acoustic"
)

// Recogniser is not available on this system.
type Recogniser struct{}

var errSystem = errors.New("pocketsphinx is used on Linux only: use the container or a Linux machine")

// New returns an error.
func New(Config) (*Recogniser, error) { return nil, errSystem }

// Name implements asr.Recogniser.
func (*Recogniser) Name() string { return "pocketsphinx" }

// Phones returns nil.
func (*Recogniser) Phones(string) []string { return nil }

// Unknown returns an error.
func (*Recogniser) Unknown([]string, map[string]string) ([]string, error) { return nil, errSystem }

// Open returns an error.
func (*Recogniser) Open(context.Context, asr.Context) (asr.Stream, error) { return nil, errSystem }

// Acoustic returns nothing.
func (*Recogniser) Acoustic() (folder, dict string) { return "", "" }

// Cepstra returns an error.
func (*Recogniser) Cepstra([]float32) ([][acoustic.Size]float64, error) { return nil, errSystem }

// Adapted returns an error.
func (*Recogniser) Adapted() error { return errSystem }

// Fit returns an error.
func (*Recogniser) Fit(context.Context, []Reading) (Fit, error) { return Fit{}, errSystem }
