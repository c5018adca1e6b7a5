package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"bedside/configs"
	"bedside/speech/patient"
	"bedside/store"
	"bedside/store/blob"
)

// uploads are media by their ids.
type uploads map[string]store.Media

func (m uploads) Media(_ context.Context, id string) (store.Media, error) {
	if found, ok := m[id]; ok {
		return found, nil
	}
	return store.Media{}, store.ErrNotFound
}

func TestRecordedLinesAreUploadedLines(t *testing.T) {
	files, err := blob.Open(t.Context(), blob.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	const key = "media/line.ogg"
	if _, err := files.Put(t.Context(), key, bytes.NewReader([]byte("sound")), ""); err != nil {
		t.Fatal(err)
	}
	of := []store.MediaFile{{Key: key}}
	lines := recordedLines{uploads{
		"line":    {Kind: store.MediaLine, Files: of},
		"picture": {Kind: store.MediaScenario, Files: of},
		"lost":    {Kind: store.MediaLine, Files: []store.MediaFile{{Key: "media/gone.ogg"}}},
	}, files}
	f, err := lines.Recording(t.Context(), "line")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "sound" {
		t.Errorf("read %q, %v", b, err)
	}
	for _, id := range []string{"picture", "lost", "gone"} {
		if f, err := lines.Recording(t.Context(), id); f != nil ||
			!errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, %v", id, f, err)
		}
	}
}

func TestVoicesKeepLinesInTheBlobStore(t *testing.T) {
	dir := t.TempDir()
	files, err := blob.Open(t.Context(), blob.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for range 2 {
		c := newClosers(slog.New(slog.DiscardHandler))
		v, err := openVoices(configs.Defaults(), stores{blob: files}, c,
			slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Skip(err)
		}
		if _, err := v.Line(t.Context(), patient.Line{Text: "I'm fine."},
			patient.Voice{}); err != nil {
			t.Error(err)
		}
		v.Close()
		n := 0
		err = files.List(t.Context(), "voice/", func(string, time.Time) error { n++; return nil })
		if err != nil || n != 1 {
			t.Errorf("%d files, %v", n, err)
		}
	}
}
