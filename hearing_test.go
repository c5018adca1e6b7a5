package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"testing"

	"bedside/api/hearing"
	"bedside/speech/asr"
	"bedside/speech/asr/sphinx"
	"bedside/store"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// longer returns a WAV file of flite with 21 seconds of silence after it.
func longer(wav []byte) []byte {
	wav = append(bytes.Clone(wav), make([]byte, 21*2*asr.SampleRate)...)
	binary.LittleEndian.PutUint32(wav[4:], uint32(len(wav)-8))
	binary.LittleEndian.PutUint32(wav[40:], uint32(len(wav)-44))
	return wav
}

func TestVoiceMeter(t *testing.T) {
	const (
		first  = "Could you show me where the pain is?"
		second = "Please take two after breakfast."
	)
	audio := readFile(t, sayFile(t, "slt", first))
	measure := newVoiceMeter(sphinx.Config{})
	if measure == nil {
		t.Skip("pocketsphinx-en-us is not installed")
	}
	h, err := measure(t.Context(), []hearing.Reading{
		{Text: first, Audio: audio},
		{Text: second, Audio: readFile(t, sayFile(t, "slt", second))},
	})
	if err != nil || h.Model == "adapted" || len(h.Mean) != 13 {
		t.Errorf("an American voice: %+v, %v", h, err)
	}
	for name, bad := range map[string][]byte{
		"another sentence": audio, "no audio file": []byte("RIFF"), "half a file": audio[:20000],
		"a long file": longer(audio),
	} {
		_, err := measure(t.Context(), []hearing.Reading{
			{Text: first, Audio: audio}, {Text: second, Audio: bad},
		})
		var unusable *hearing.ReadingError
		if !errors.As(err, &unusable) || unusable.Index != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if newVoiceMeter(sphinx.Config{Model: t.TempDir()}) != nil {
		t.Error("a machine without the model can measure")
	}
}

func TestVoicesWaitForTheirTurn(t *testing.T) {
	m := &voiceMeter{places: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
	m.places <- struct{}{}
	if _, err := m.measure(t.Context(), nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("when all places are taken: %v", err)
	}
}

// hearings are those of one user.
type hearings map[string]store.Hearing

func (h hearings) HearingOf(_ context.Context, userID string) (store.Hearing, error) {
	if userID == "broken" {
		return store.Hearing{}, store.ErrUnavailable
	}
	one, ok := h[userID]
	if !ok {
		return one, store.ErrNotFound
	}
	return one, nil
}

func TestActorsKnowTheSpeaker(t *testing.T) {
	s := speakers{hearings{"u": {Model: asr.Adapted, Mean: []float64{41, 2}}}}
	got, err := s.Speaker(t.Context(), "u")
	if err != nil || got.Model != asr.Adapted || !slices.Equal(got.Mean, []float64{41, 2}) {
		t.Errorf("who read sentences: %+v, %v", got, err)
	}
	if got, err = s.Speaker(t.Context(), "other"); err != nil || got.Model != "" {
		t.Errorf("who read none: %+v, %v", got, err)
	}
	if _, err = s.Speaker(t.Context(), "broken"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without a database: %v", err)
	}
}
