package adapt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"bedside/speech/asr/acoustic"
	"bedside/speech/asr/adapt"
)

func packaged(t testing.TB) *acoustic.Model {
	t.Helper()
	const folder = "/usr/share/pocketsphinx/model/en-us/en-us"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("pocketsphinx-en-us is not installed")
	}
	m, err := acoustic.Read(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// spoken returns frames as a speaker says them whose sounds are beside those of a model, and the
// senones that they are in.
func spoken(m *acoustic.Model, frames int, random *rand.Rand) ([]acoustic.Features, []int) {
	var features []acoustic.Features
	var senones []int
	for range frames {
		senone := random.IntN(40) * 20
		var f acoustic.Features
		for stream := range acoustic.Streams {
			at := acoustic.Gaussian(m.Definition.Codebook(senone), stream, senone%7)
			for i := range acoustic.Size {
				f[stream*acoustic.Size+i] = m.Means[at+i] + 0.5 +
					float32(random.NormFloat64())/2
			}
		}
		features, senones = append(features, f), append(senones, senone)
	}
	return features, senones
}

func likelihood(m *acoustic.Model, features []acoustic.Features, senones []int) float64 {
	st := adapt.NewStatistics(acoustic.NewScorer(m))
	st.Add(features, senones)
	return st.Likelihood()
}

func TestAdaptationRaisesTheLikelihoodOfTheSpeaker(t *testing.T) {
	prior := packaged(t)
	random := rand.New(rand.NewPCG(1, 2))
	features, senones := spoken(prior, 400, random)
	newFeatures, newSenones := spoken(prior, 200, random)
	m, last := prior, likelihood(prior, features, senones)
	before := likelihood(prior, newFeatures, newSenones)
	for range adapt.Iterations {
		st := adapt.NewStatistics(acoustic.NewScorer(m))
		st.Add(features, senones)
		m = adapt.Update(prior, st, adapt.Defaults())
		now := likelihood(m, features, senones)
		if now < last-0.05 {
			t.Errorf("the likelihood fell from %.3f to %.3f", last, now)
		}
		last = now
	}
	after := likelihood(m, newFeatures, newSenones)
	t.Logf("new frames: %.2f nats a frame, adapted %.2f", before, after)
	if after < before+3 {
		t.Errorf("new frames: %.2f nats a frame after %.2f", after, before)
	}
	half := likelihood(adapt.Average(prior, m), newFeatures, newSenones)
	if half <= before || half >= after {
		t.Errorf("the average has %.2f, between %.2f and %.2f", half, before, after)
	}
}

func TestNothingHeardChangesNothing(t *testing.T) {
	prior := packaged(t)
	m := adapt.Update(prior, adapt.NewStatistics(acoustic.NewScorer(prior)), adapt.Defaults())
	if !slices.Equal(m.Means, prior.Means) || !slices.Equal(m.Variances, prior.Variances) ||
		!slices.Equal(m.Weights, prior.Weights) {
		t.Error("the model differs")
	}
}

func TestMergedStatisticsAreThoseOfAll(t *testing.T) {
	prior := packaged(t)
	features, senones := spoken(prior, 300, rand.New(rand.NewPCG(3, 4)))
	scorer := acoustic.NewScorer(prior)
	all, half, rest := adapt.NewStatistics(scorer), adapt.NewStatistics(scorer),
		adapt.NewStatistics(scorer)
	all.Add(features, senones)
	half.Add(features[:100], senones[:100])
	rest.Add(features[100:], senones[100:])
	half.Merge(rest)
	if half.Frames() != all.Frames() {
		t.Errorf("%d frames of %d", half.Frames(), all.Frames())
	}
	a, b := adapt.Update(prior, all, adapt.Defaults()), adapt.Update(prior, half, adapt.Defaults())
	for i, v := range a.Means {
		if d := v - b.Means[i]; d > 1e-4 || d < -1e-4 {
			t.Fatalf("mean %d: %f, merged %f", i, v, b.Means[i])
		}
	}
}

func TestHeldOutSpeakers(t *testing.T) {
	for speaker, want := range map[string]bool{"1005": true, "1006": false, "0010": true} {
		if adapt.HeldOut(speaker) != want {
			t.Errorf("%s: %v", speaker, !want)
		}
	}
	held := 0
	for i := range 500 {
		if adapt.HeldOut("student" + string(rune('a'+i%26)) + string(rune('a'+i/26))) {
			held++
		}
	}
	if held < 50 || held > 150 {
		t.Errorf("%d of 500 named speakers are held out", held)
	}
}

func TestModelsAreStoredAsDifferences(t *testing.T) {
	prior := packaged(t)
	features, senones := spoken(prior, 400, rand.New(rand.NewPCG(1, 2)))
	st := adapt.NewStatistics(acoustic.NewScorer(prior))
	st.Add(features, senones)
	m := adapt.Update(prior, st, adapt.Defaults())
	data, err := adapt.Encode(prior, m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := adapt.Decode(prior, data)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Weights, m.Weights) {
		t.Error("weights differ")
	}
	a, b := likelihood(m, features, senones), likelihood(got, features, senones)
	if d := a - b; d > 0.05 || d < -0.05 {
		t.Errorf("likelihood %.3f, stored %.3f", a, b)
	}
	if again, err := adapt.Encode(prior, got); err != nil || !bytes.Equal(again, data) {
		t.Errorf("what was read is written otherwise: %v", err)
	}
}

func TestDamagedDifferencesAreErrors(t *testing.T) {
	prior := packaged(t)
	data, err := adapt.Encode(prior, prior)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(data); n += 1 + len(data)/20 {
		if _, err := adapt.Decode(prior, data[:n]); !errors.Is(err, acoustic.ErrFormat) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for _, i := range []int{0, 3, 36, 67, 68, 100, len(data) - 1} {
		changed := bytes.Clone(data)
		changed[i] ^= 0x55
		if _, err := adapt.Decode(prior, changed); !errors.Is(err, acoustic.ErrFormat) {
			t.Errorf("byte %d of %d changed: %v", i, len(data), err)
		}
	}
	if _, err := adapt.Decode(prior, append(data, 0)); !errors.Is(err, acoustic.ErrFormat) {
		t.Errorf("with a byte more: %v", err)
	}
	other := prior.Clone()
	other.Weights[5]++
	if _, err := adapt.Decode(other, data); !errors.Is(err, adapt.ErrOther) {
		t.Errorf("with another packaged model: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	prior := packaged(f)
	data, err := adapt.Encode(prior, prior)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(binary.LittleEndian.AppendUint32(nil, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := adapt.Decode(prior, data); err == nil && len(m.Means) != len(prior.Means) {
			t.Error("a model of another size")
		}
	})
}
