//go:build !linux

package voice

import "errors"

// newFlite returns an error: flite is linked on Linux only.
func newFlite() (engine, error) {
	return nil, errors.New("flite is used on Linux only: use the container, a Linux machine, " +
		"espeak-ng or a speech API (speech.voice_url)")
}
