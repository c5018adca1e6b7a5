package main

import (
	"context"
	"errors"
	"io"

	"bedside/api/media"
	"bedside/speech/line"
)

// encodeLine makes a recorded line as loud as all others, for package media.
func encodeLine(ctx context.Context, r io.ReadSeeker, w io.Writer) (media.Line, error) {
	facts, err := line.Encode(ctx, r, w)
	switch {
	case errors.Is(err, line.ErrTooLong):
		err = media.ErrSound{Words: "The line is longer than five minutes. Cut it into shorter " +
			"ones."}
	case errors.Is(err, line.ErrSilent):
		err = media.ErrSound{Words: "Nothing can be heard in this file. Record the line again."}
	case errors.Is(err, line.ErrUnreadable):
		err = media.ErrSound{Words: "The sound is damaged or of a kind that cannot be read. " +
			"Export it as WAV, Ogg Opus or MP3."}
	}
	return media.Line{Duration: facts.Duration, Loudness: facts.Loudness}, err
}
