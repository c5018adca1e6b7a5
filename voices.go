package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"bedside/configs"
	"bedside/speech/voice"
	"bedside/store"
	"bedside/store/blob"

	"github.com/prometheus/client_golang/prometheus"
)

// openVoices opens the voices of automatic patients.
func openVoices(cfg configs.Config, s stores, c *closers, log *slog.Logger,
	reg prometheus.Registerer) (*voice.Voices, error) {
	v, err := voice.New(cfg.Voice, recordings{s.blob}, recordedLines{s.db, s.blob}, log, reg)
	if err != nil {
		return nil, err
	}
	c.add("voices", func(context.Context) error {
		v.Close()
		return nil
	})
	return v, nil
}

// recordedLines are the uploaded lines as voice.Human.
type recordedLines struct {
	media interface {
		Media(ctx context.Context, id string) (store.Media, error)
	}
	files *blob.Store
}

// Recording opens the file of an uploaded line. It returns store.ErrNotFound for pictures.
func (r recordedLines) Recording(ctx context.Context, id string) (io.ReadCloser, error) {
	m, err := r.media.Media(ctx, id)
	if err != nil {
		return nil, err
	}
	if m.Kind != store.MediaLine || len(m.Files) == 0 {
		return nil, fmt.Errorf("medium %s is no line: %w", id, store.ErrNotFound)
	}
	f, err := r.files.Open(ctx, m.Files[0].Key)
	if err != nil {
		return nil, err
	}
	return f, nil
}
