package store

import (
	"errors"
	"testing"
)

func TestDeletable(t *testing.T) {
	for state, want := range map[AttemptState]bool{
		AttemptCreated: false, AttemptPreparing: false, AttemptPlaying: false,
		AttemptAnalysing: false, AttemptReported: true, AttemptFailed: true,
		AttemptAbandoned: true,
	} {
		err := Attempt{State: state}.Deletable()
		if (err == nil) != want || err != nil && !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", state, err)
		}
	}
}
