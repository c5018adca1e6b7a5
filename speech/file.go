package speech

import (
	"context"
	"errors"
	"io"
	"time"

	"bedside/speech/dsp"
	"bedside/speech/opus"
	"bedside/store"
)

// AnalyzeFile measures the speech in a WAV or Ogg Opus file, as fast as it goes. progress, which
// may be nil, is told how much audio was heard so far. Errors are those of opus.OpenAudio, and
// ctx's. Audio that is cut off or damaged is an error too: measures of a part would pass for
// those of the whole.
func AnalyzeFile(ctx context.Context, r io.Reader,
	progress func(time.Duration)) (store.Analysis, error) {
	audio, err := opus.OpenAudio(r, opus.SampleRate, 0)
	if err != nil {
		return store.Analysis{}, err
	}
	a := dsp.NewAnalyzer()
	block := make([]float32, opus.SampleRate)
	for heard := 0; ; {
		n, err := audio.Read(block)
		if werr := a.Write(block[:n]); werr != nil {
			return store.Analysis{}, werr
		}
		heard += n
		switch {
		case errors.Is(err, io.EOF):
			return a.Finish().Analysis, nil
		case err != nil:
			return store.Analysis{}, err
		case ctx.Err() != nil:
			return store.Analysis{}, context.Cause(ctx)
		}
		if progress != nil {
			progress(time.Duration(heard) * time.Second / opus.SampleRate)
		}
	}
}
