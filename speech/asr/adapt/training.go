package adapt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"bedside/speech/asr/acoustic"
)

// Trainer adapts a model to recordings: first Align, then Adapt.
type Trainer struct {
	Packaged   *acoustic.Model
	Dictionary acoustic.Dictionary
	Workers    int                  // how many recordings are worked on at once
	Progress   func(message string) // called from one goroutine at a time

	utterances []utterance
	skipped    []error
}

// Recording is a sentence that somebody read. Those of held-out speakers are for evaluation.
type Recording struct {
	Name, Speaker string
	Words         []string
	Cepstra       [][acoustic.Size]float64
}

// utterance is a recording as features, and where each phone of its text is.
type utterance struct {
	features  []acoustic.Features
	alignment acoustic.Alignment
	heldOut   bool
}

// Align reads n recordings and finds where the phones of their texts are. Those whose text does
// not fit, or that cannot be read, are left out; Skipped says why.
func (t *Trainer) Align(ctx context.Context, n int, read func(i int) (Recording, error)) error {
	scorer := acoustic.NewScorer(t.Packaged)
	all, failed := make([]utterance, n), make([]error, n)
	texts := make([]string, n)
	var mu sync.Mutex // guards done, and calls of Progress
	done := 0
	err := t.each(ctx, n, func(_, i int) error {
		r, err := read(i)
		if err == nil {
			all[i], err = t.align(scorer, r)
			texts[i] = strings.Join(r.Words, " ")
		}
		if err != nil {
			failed[i] = fmt.Errorf("%s: %w", r.Name, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if done++; done%100 == 0 || done == n {
			t.Progress(fmt.Sprintf("aligned %d of %d recordings", done, n))
		}
		return nil
	})
	if err != nil {
		return err
	}
	judged := map[string]bool{} // texts of speakers who are judged with are not learned from
	for i, u := range all {
		if u.heldOut {
			judged[texts[i]] = true
		}
	}
	for i, u := range all {
		switch {
		case failed[i] != nil:
			t.skipped = append(t.skipped, failed[i])
		case u.heldOut || !judged[texts[i]]:
			t.utterances = append(t.utterances, u)
		}
	}
	return nil
}

// Skipped says of each recording that was left out why.
func (t *Trainer) Skipped() []error { return slices.Clone(t.skipped) }

func (t *Trainer) align(scorer *acoustic.Scorer, r Recording) (utterance, error) {
	features := acoustic.NewFeatures(r.Cepstra, nil)
	alignment, err := scorer.Align(features, r.Words, t.Dictionary)
	switch {
	case err != nil:
		return utterance{}, err
	case !Usable(alignment):
		return utterance{}, fmt.Errorf("%w: they hardly fit", acoustic.ErrAlign)
	}
	return utterance{features, alignment, HeldOut(r.Speaker)}, nil
}

// Adapt returns the adapted model.
func (t *Trainer) Adapt(ctx context.Context) (*acoustic.Model, error) {
	before, err := t.Likelihood(ctx, t.Packaged)
	if err != nil {
		return nil, err
	}
	m := t.Packaged
	for n := range Iterations {
		st, err := t.statistics(ctx, m)
		if err != nil {
			return nil, err
		}
		if st.Frames() == 0 {
			return nil, errors.New("no recording fits its text: check the texts and the audio")
		}
		m = Update(t.Packaged, st, Defaults())
		t.Progress(fmt.Sprintf("iteration %d of %d: %d frames, log-likelihood %.3f", n+1,
			Iterations, st.Frames(), st.Likelihood()))
	}
	after, err := t.Likelihood(ctx, m)
	if err != nil {
		return nil, err
	}
	t.Progress(fmt.Sprintf("speakers who were held out: log-likelihood per frame %.3f with the "+
		"packaged model, %.3f with the adapted one", before, after))
	return m, nil
}

func (t *Trainer) statistics(ctx context.Context, m *acoustic.Model) (*Statistics, error) {
	scorer := acoustic.NewScorer(m)
	parts := make([]*Statistics, t.Workers)
	for i := range parts {
		parts[i] = NewStatistics(scorer)
	}
	err := t.each(ctx, len(t.utterances), func(worker, i int) error {
		if u := t.utterances[i]; !u.heldOut {
			parts[worker].Add(u.features, u.alignment.Senones)
		}
		return nil
	})
	for _, p := range parts[1:] {
		parts[0].Merge(p)
	}
	return parts[0], err
}

// Likelihood returns the log-likelihood per frame, in nats, of the speakers who are judged with;
// 0 when there are none.
func (t *Trainer) Likelihood(ctx context.Context, m *acoustic.Model) (float64, error) {
	scorer := acoustic.NewScorer(m)
	sums, counts := make([]float64, t.Workers), make([]float64, t.Workers)
	err := t.each(ctx, len(t.utterances), func(worker, i int) error {
		u := t.utterances[i]
		if !u.heldOut {
			return nil
		}
		a, err := scorer.Realign(u.features, u.alignment.Phones)
		sums[worker] += a.Score * float64(len(a.Senones))
		counts[worker] += float64(len(a.Senones))
		return err
	})
	sum, count := 0.0, 0.0
	for i := range sums {
		sum, count = sum+sums[i], count+counts[i]
	}
	return sum / max(1, count), err
}

// each runs work for the numbers below n, in workers at once, until one fails or ctx ends.
func (t *Trainer) each(ctx context.Context, n int, work func(worker, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wait sync.WaitGroup
	for worker := range t.Workers {
		wait.Go(func() {
			for i := worker; i < n && ctx.Err() == nil; i += t.Workers {
				if err := work(worker, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}
