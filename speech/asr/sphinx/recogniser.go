//go:build linux

package sphinx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"bedside/speech/asr"
)

// Files of the model's folder.
const (
	acousticModel = "en-us"
	generalModel  = "en-us.lm.bin"
	dictionary    = "cmudict-en-us.dict"
)

// Recogniser opens streams of pocketsphinx. It is safe for concurrent use, and holds no memory of
// the C library: each stream has a decoder of its own.
type Recogniser struct {
	cfg Config

	read     sync.Once
	readErr  error
	lexicon  map[string][]string // word -> pronunciations
	frequent []string            // words of the general language model, the most frequent first

	models models
}

// learnersVocabulary is how many frequent words are recognised besides the scenario's of a speaker
// whom the adapted model hears: words that nobody expects are taken for those of the scenario's
// that a learner pronounces otherwise.
const learnersVocabulary = 500

// New returns a recogniser. When the model is not there, the error says what to install.
func New(cfg Config) (*Recogniser, error) {
	d := Defaults()
	cfg.Model = cmp.Or(cfg.Model, d.Model)
	cfg.Vocabulary = cmp.Or(cfg.Vocabulary, d.Vocabulary)
	for _, file := range []string{acousticModel + "/mdef", generalModel, dictionary} {
		if _, err := os.Stat(filepath.Join(cfg.Model, file)); err != nil {
			return nil, fmt.Errorf("pocketsphinx's model (install pocketsphinx-en-us): %w", err)
		}
	}
	return &Recogniser{cfg: cfg}, nil
}

// Name implements asr.Recogniser.
func (r *Recogniser) Name() string { return "pocketsphinx" }

// Unknown returns the words of texts that have no pronunciation, neither in the dictionary nor in
// say, in alphabetical order. They cannot be recognised.
func (r *Recogniser) Unknown(texts []string, say map[string]string) ([]string, error) {
	if err := r.load(); err != nil {
		return nil, err
	}
	unknown := map[string]bool{}
	for _, text := range texts {
		for _, w := range asr.Words(text) {
			if len(r.lexicon[w]) == 0 && say[w] == "" {
				unknown[w] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(unknown)), nil
}

// Open implements asr.Recogniser. It takes half a second.
func (r *Recogniser) Open(ctx context.Context, c asr.Context) (asr.Stream, error) {
	if err := r.load(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bedside-sphinx-")
	if err != nil {
		return nil, fmt.Errorf("pocketsphinx: %w", err)
	}
	defer os.RemoveAll(dir) // the decoder has read the files when Open returns
	return r.open(dir, c)
}

func (r *Recogniser) open(dir string, c asr.Context) (*Stream, error) {
	own, words := filepath.Join(dir, "own.lm"), filepath.Join(dir, "words.dict")
	sentences := make([][]string, 0, len(c.Texts))
	vocabulary := slices.Clone(r.frequentFor(c.Speaker))
	for _, text := range c.Texts {
		if s := asr.Words(text); len(s) > 0 {
			sentences = append(sentences, s)
			vocabulary = append(vocabulary, s...)
		}
	}
	if err := writeFile(words, func(w io.Writer) error {
		_, err := writeDictionary(w, vocabulary, r.lexicon, c.Say)
		return err
	}); err != nil {
		return nil, err
	}
	general := filepath.Join(r.cfg.Model, generalModel)
	hmm, err := r.acousticFolder(dir, c.Speaker.Model)
	if err != nil {
		return nil, err
	}
	d, err := newDecoder(arguments(hmm, words, general, c.Speaker.Noisy))
	if err != nil {
		return nil, err
	}
	if len(sentences) > 0 {
		err = writeFile(own, func(w io.Writer) error { return writeARPA(w, sentences) })
		if err == nil {
			err = d.mix(general, own)
		}
	}
	if err == nil && c.Speaker.Mean != nil {
		err = d.setMean(c.Speaker.Mean)
	}
	if err == nil {
		err = d.begin()
	}
	if err != nil {
		d.free()
		return nil, err
	}
	return &Stream{decoder: d}, nil
}

// frequentFor returns the frequent words that are recognised of a speaker.
func (r *Recogniser) frequentFor(s asr.Speaker) []string {
	if s.Model == asr.Adapted {
		return r.frequent[:min(len(r.frequent), learnersVocabulary)]
	}
	return r.frequent
}

// arguments returns those of pocketsphinx. The second pass (fwdflat) is off, because it would take
// a fifth of a second after the end of an utterance. The number of active states is bounded, since
// noise would make it grow; with much noise every other frame is skipped as well, which costs
// accuracy in quiet rooms.
func arguments(hmm, dict, lm string, noisy bool) map[string]string {
	a := map[string]string{
		"-hmm": hmm, "-dict": dict, "-lm": lm, "-logfn": os.DevNull, "-fwdflat": "no",
		"-maxhmmpf": "6000", "-remove_silence": "no", "-cmn": "live",
	}
	if noisy {
		a["-maxhmmpf"], a["-ds"], a["-bestpath"] = "2000", "2", "no"
	}
	return a
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("pocketsphinx: %w", err)
	}
	return errors.Join(write(f), f.Close())
}

// Phones returns the first pronunciation of a word in ARPABET, or nil when the dictionary lacks
// the word or cannot be read.
func (r *Recogniser) Phones(word string) []string {
	if r.load() != nil || len(r.lexicon[word]) == 0 {
		return nil
	}
	return strings.Fields(r.lexicon[word][0])
}
