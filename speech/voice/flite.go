//go:build linux

package voice

/*
#cgo LDFLAGS: -lflite_cmu_us_slt -lflite_cmu_us_rms -lflite_cmu_us_awb
#cgo LDFLAGS: -lflite_usenglish -lflite_cmulex -lflite -lm
#include <pthread.h>
#include <stdlib.h>
#include <flite/flite.h>
#include <flite/flite_version.h>

cst_voice *register_cmu_us_slt(const char *);
cst_voice *register_cmu_us_rms(const char *);
cst_voice *register_cmu_us_awb(const char *);

// The library keeps its voices in tables of the process, and none of it may be called by two
// threads at once.
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static int load(cst_voice **voices) {
	pthread_mutex_lock(&one);
	int failed = flite_init() < 0;
	if (!failed) {
		voices[0] = register_cmu_us_slt(NULL);
		voices[1] = register_cmu_us_rms(NULL);
		voices[2] = register_cmu_us_awb(NULL);
	}
	pthread_mutex_unlock(&one);
	return failed;
}

static cst_wave *speak(cst_voice *voice, const char *text, float stretch, float pitch) {
	pthread_mutex_lock(&one);
	feat_set_float(voice->features, "duration_stretch", stretch);
	feat_set_float(voice->features, "int_f0_target_mean", pitch);
	cst_wave *wave = flite_text_to_wave(text, voice);
	pthread_mutex_unlock(&one);
	return wave;
}
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// flite speaks English with the voices of flite, in this process: one line at a time.
type flite struct{ voices [3]fliteVoice }

// fliteVoice is one of flite's voices, with its own mean pitch in Hz.
type fliteVoice struct {
	name  string
	pitch float64
	voice *C.cst_voice
}

// newFlite loads the voices. They stay loaded as long as the process runs.
func newFlite() (engine, error) {
	var loaded [3]*C.cst_voice
	if C.load(&loaded[0]) != 0 {
		return nil, errors.New("flite cannot be started")
	}
	f := &flite{voices: [3]fliteVoice{
		{"slt", 167, loaded[0]}, {"rms", 95, loaded[1]}, {"awb", 130, loaded[2]},
	}}
	for _, v := range f.voices {
		if v.voice == nil {
			return nil, fmt.Errorf("flite's voice %s cannot be loaded", v.name)
		}
	}
	return f, nil
}

func (f *flite) name() string { return "flite" }

func (f *flite) remote() bool { return false }

// version changes when the same line would sound otherwise.
func (f *flite) version(s style) string {
	return fmt.Sprintf("%s %s %.2f %.2f", C.FLITE_PROJECT_VERSION, f.voice(s).name, s.rate(),
		s.pitch())
}

func (f *flite) speaks(language string) bool { return base(language) == "en" }

func (f *flite) render(ctx context.Context, text string, s style) (sound, error) {
	if err := ctx.Err(); err != nil {
		return sound{}, err
	}
	v := f.voice(s)
	words := C.CString(text)
	defer C.free(unsafe.Pointer(words))
	wave := C.speak(v.voice, words, C.float(1/s.rate()), C.float(v.pitch*s.pitch()))
	if wave == nil {
		return sound{}, errors.New("flite cannot speak the line")
	}
	defer C.delete_wave(wave)
	n := int(wave.num_samples)
	if n <= 0 {
		return sound{}, errors.New("flite returned no sound")
	}
	out := sound{samples: make([]float32, n), rate: int(wave.sample_rate)}
	for i, x := range unsafe.Slice((*int16)(unsafe.Pointer(wave.samples)), n) {
		out.samples[i] = float32(x) / math.MaxInt16
	}
	return out, nil
}

// voice chooses a voice: a woman, or one of two men, of whom the second sounds older.
func (f *flite) voice(s style) fliteVoice {
	switch {
	case s.sex == "female":
		return f.voices[0]
	case s.age >= 55:
		return f.voices[2]
	}
	return f.voices[1]
}
