//go:build linux

package sphinx

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"bedside/speech/asr"
	"bedside/speech/asr/acoustic"
	"bedside/speech/asr/adapt"
)

// learners is the model that was adapted to learners, as adapt.Encode writes it. DESIGN.md says
// from what, and with which command.
//
//go:embed learners.model
var learners []byte

// models are the acoustic models by the names in asr. They are read when they are first needed,
// and are never changed.
type models struct {
	once       sync.Once
	err        error
	packaged   *acoustic.Scorer
	adapted    *acoustic.Scorer
	average    *acoustic.Model
	dictionary acoustic.Dictionary
}

// loadModels reads the packaged model, and makes the others from it.
func (r *Recogniser) loadModels() (*models, error) {
	m := &r.models
	m.once.Do(func() {
		folder, dictionary := r.Acoustic()
		var packaged, adapted *acoustic.Model
		if packaged, m.err = acoustic.Read(os.DirFS(folder)); m.err != nil {
			return
		}
		data := learners
		if r.cfg.Adapted != "" {
			if data, m.err = os.ReadFile(r.cfg.Adapted); m.err != nil {
				return
			}
		}
		if adapted, m.err = adapt.Decode(packaged, data); m.err != nil {
			return
		}
		m.packaged, m.adapted = acoustic.NewScorer(packaged), acoustic.NewScorer(adapted)
		m.average = adapt.Average(packaged, adapted)
		m.dictionary, m.err = readPronunciations(dictionary)
	})
	if m.err != nil {
		return nil, fmt.Errorf("pocketsphinx's adapted model: %w", m.err)
	}
	return m, nil
}

func readPronunciations(path string) (acoustic.Dictionary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := acoustic.Dictionary{}
	return d, d.ReadDictionary(f)
}

// Adapted returns nil when the adapted and the average model can be used, and else an error that
// says why not. All speakers are heard with the packaged model then.
func (r *Recogniser) Adapted() error {
	_, err := r.loadModels()
	return err
}

// acousticFolder returns the folder of a model. The adapted ones are written below dir, with links
// to the files that all have in common.
func (r *Recogniser) acousticFolder(dir, name string) (string, error) {
	packaged, _ := r.Acoustic()
	if name != asr.Adapted && name != asr.Average {
		return packaged, nil
	}
	m, err := r.loadModels()
	if err != nil {
		// The choice was made when other models were installed. Adapted says so.
		return packaged, nil
	}
	folder := filepath.Join(dir, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("pocketsphinx: %w", err)
	}
	for _, f := range []string{"mdef", "feat.params", "noisedict", "transition_matrices"} {
		err := os.Symlink(filepath.Join(packaged, f), filepath.Join(folder, f))
		if err != nil {
			return "", fmt.Errorf("pocketsphinx: %w", err)
		}
	}
	model := m.adapted.Model()
	if name == asr.Average {
		model = m.average
	}
	return folder, model.Write(folder)
}
