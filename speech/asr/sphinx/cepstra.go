//go:build linux

package sphinx

/*
#include <stdlib.h>
#include <sphinxbase/fe.h>

static fe_t *front_end(int n, char **args) {
	cmd_ln_t *config = cmd_ln_parse_r(NULL, fe_get_args(), n, args, FALSE);
	if (config == NULL) return NULL;
	fe_t *fe = fe_init_auto_r(config);
	cmd_ln_free_r(config);
	return fe;
}

// cepstra computes those of a whole utterance, n values for each frame.
static int cepstra(fe_t *fe, const int16 *samples, size_t n, mfcc_t ***out, int32 *frames) {
	if (fe_start_utt(fe) < 0) return -1;
	return fe_process_utt(fe, samples, n, out, frames);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"bedside/speech/asr/acoustic"
)

// frontEndArguments are those of feat.params that say how cepstra are computed.
func frontEndArguments() []string {
	return []string{"-lowerf", "-upperf", "-nfilt", "-transform", "-lifter"}
}

// Acoustic returns the folder of the packaged acoustic model, and the file of the dictionary.
func (r *Recogniser) Acoustic() (folder, dict string) {
	return filepath.Join(r.cfg.Model, acousticModel), filepath.Join(r.cfg.Model, dictionary)
}

// Cepstra returns the cepstra of an utterance, 100 frames a second, as the decoder computes them.
// Samples are those of asr.Stream. It is safe for concurrent use.
func (r *Recogniser) Cepstra(samples []float32) ([][acoustic.Size]float64, error) {
	if err := r.load(); err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		return nil, nil
	}
	fe, err := r.frontEnd()
	if err != nil {
		return nil, err
	}
	defer C.fe_free(fe)
	pcm := make([]int16, len(samples))
	for i, v := range samples {
		pcm[i] = int16(math.Round(max(-1, min(1, float64(v))) * math.MaxInt16))
	}
	var rows **C.mfcc_t
	var n C.int32
	if C.cepstra(fe, (*C.int16)(unsafe.Pointer(&pcm[0])), C.size_t(len(pcm)), &rows, &n) < 0 {
		return nil, errors.New("pocketsphinx: cepstra cannot be computed")
	}
	if rows == nil {
		return nil, nil
	}
	defer C.fe_free_2d(unsafe.Pointer(rows))
	out := make([][acoustic.Size]float64, n)
	for i, row := range unsafe.Slice(rows, n) {
		for k, v := range unsafe.Slice(row, acoustic.Size) {
			out[i][k] = float64(v)
		}
	}
	return out, nil
}

func (r *Recogniser) frontEnd() (*C.fe_t, error) {
	folder, _ := r.Acoustic()
	params, err := os.ReadFile(filepath.Join(folder, "feat.params"))
	if err != nil {
		return nil, fmt.Errorf("pocketsphinx's model: %w", err)
	}
	list := []string{"bedside", "-remove_noise", "yes", "-remove_silence", "no"}
	fields := strings.Fields(string(params))
	for i := 0; i+1 < len(fields); i += 2 {
		if slices.Contains(frontEndArguments(), fields[i]) {
			list = append(list, fields[i], fields[i+1])
		}
	}
	args := make([]*C.char, len(list))
	for i, s := range list {
		args[i] = C.CString(s)
		defer C.free(unsafe.Pointer(args[i]))
	}
	fe := C.front_end(C.int(len(args)), &args[0])
	if fe == nil {
		return nil, errors.New("pocketsphinx: feat.params cannot be used")
	}
	return fe, nil
}
