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

// AnalyzeFile measures the speech in a WAV or Ogg Opus file. It calls progress, which may be nil,
// with the duration of the audio analysed so far. It returns the errors of opus.OpenAudio and of
// ctx. Truncated or damaged audio is an error too, since measures of a part could be mistaken for
// those of the whole.
func AnalyzeFile(ctx context.Context, r io.Reader,
	progress func(time.Duration)) (store.Analysis, error) {
	audio, err := opus.OpenAudio(r, opus.SampleRate, 0)
	if err != nil {
		return store.Analysis{}, err
	}
	a := dsp.NewAnalyzer()
	block := make([]float32, opus.SampleRate)
	for analysed := 0; ; {
		n, err := audio.Read(block)
		if werr := a.Write(block[:n]); werr != nil {
			return store.Analysis{}, werr
		}
		analysed += n
		switch {
		case errors.Is(err, io.EOF):
			return a.Finish().Analysis, nil
		case err != nil:
			return store.Analysis{}, err
		case ctx.Err() != nil:
			return store.Analysis{}, context.Cause(ctx)
		}
		if progress != nil {
			progress(time.Duration(analysed) * time.Second / opus.SampleRate)
		}
	}
}
