//go:build linux

package sphinx

/*
#cgo pkg-config: pocketsphinx sphinxbase
#include <stdlib.h>
#include <pocketsphinx.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/feat.h>
#include <sphinxbase/ngram_model.h>

static cmd_ln_t *decoder_config(int n, char **args) {
	return cmd_ln_parse_r(NULL, ps_args(), n, args, TRUE);
}

// mix interpolates two language models with equal weights, and makes the decoder search with
// them. The decoder owns the mixture then.
static int mix(ps_decoder_t *ps, const char *general, const char *own) {
	cmd_ln_t *config = ps_get_config(ps);
	logmath_t *lmath = ps_get_logmath(ps);
	ngram_model_t *models[2];
	char *names[2] = {"general", "own"};
	float32 weights[2] = {0.5, 0.5};
	models[0] = ngram_model_read(config, general, NGRAM_AUTO, lmath);
	models[1] = ngram_model_read(config, own, NGRAM_AUTO, lmath);
	if (models[0] == NULL || models[1] == NULL) {
		ngram_model_free(models[0]);
		ngram_model_free(models[1]);
		return -1;
	}
	ngram_model_t *set = ngram_model_set_init(config, models, names, weights, 2);
	ngram_model_free(models[0]);
	ngram_model_free(models[1]);
	if (set == NULL) return -1;
	ngram_model_set_interp(set, (const char **)names, weights);
	ngram_model_apply_weights(set, cmd_ln_float_r(config, "-lw"), cmd_ln_float_r(config, "-wip"));
	int failed = ps_set_lm(ps, "mixed", set);
	ngram_model_free(set);
	return failed ? -1 : ps_set_search(ps, "mixed");
}

static int set_mean(ps_decoder_t *ps, const float *mean, int n) {
	cmn_t *cmn = ps_get_feat(ps)->cmn_struct;
	if (cmn == NULL || cmn->veclen != n) return -1;
	cmn_live_set(cmn, mean);
	return 0;
}

static int get_mean(ps_decoder_t *ps, float *mean, int n) {
	cmn_t *cmn = ps_get_feat(ps)->cmn_struct;
	if (cmn == NULL || cmn->veclen != n) return -1;
	cmn_live_get(cmn, mean);
	return 0;
}

static double seg_probability(ps_decoder_t *ps, ps_seg_t *seg) {
	int32 acoustic, language, back;
	return logmath_exp(ps_get_logmath(ps), ps_seg_prob(seg, &acoustic, &language, &back));
}
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// meanSize is the number of cepstral coefficients.
const meanSize = 13

// segment is a recognised word or filler, in frames since the utterance began.
type segment struct {
	word        string
	first, last int
	probability float64
}

// decoder wraps a ps_decoder_t. One goroutine uses it, and frees it.
type decoder struct{ ps *C.ps_decoder_t }

// newDecoder makes a decoder with arguments of pocketsphinx's command line.
func newDecoder(arguments map[string]string) (*decoder, error) {
	list := []*C.char{C.CString("bedside")}
	for name, value := range arguments {
		list = append(list, C.CString(name), C.CString(value))
	}
	defer func() {
		for _, s := range list {
			C.free(unsafe.Pointer(s))
		}
	}()
	config := C.decoder_config(C.int(len(list)), &list[0])
	if config == nil {
		return nil, errors.New("pocketsphinx: invalid arguments")
	}
	defer C.cmd_ln_free_r(config)
	ps := C.ps_init(config)
	if ps == nil {
		return nil, fmt.Errorf("pocketsphinx: the model %s cannot be loaded", arguments["-hmm"])
	}
	return &decoder{ps}, nil
}

func (d *decoder) free() { C.ps_free(d.ps) }

// mix makes the decoder search with two language models, from files, in equal parts.
func (d *decoder) mix(general, own string) error {
	a, b := C.CString(general), C.CString(own)
	defer C.free(unsafe.Pointer(a))
	defer C.free(unsafe.Pointer(b))
	if C.mix(d.ps, a, b) != 0 {
		return fmt.Errorf("pocketsphinx: language models %s and %s cannot be mixed", general, own)
	}
	return nil
}

func (d *decoder) setMean(mean []float64) error {
	values := make([]C.float, len(mean))
	for i, v := range mean {
		values[i] = C.float(v)
	}
	if len(values) == 0 || C.set_mean(d.ps, &values[0], C.int(len(values))) != 0 {
		return fmt.Errorf("pocketsphinx: a cepstral mean of %d values", len(mean))
	}
	return nil
}

// mean returns the cepstral mean as the decoder has adapted it to the speaker.
func (d *decoder) mean() []float64 {
	var values [meanSize]C.float
	if C.get_mean(d.ps, &values[0], meanSize) != 0 {
		return nil
	}
	mean := make([]float64, meanSize)
	for i, v := range values {
		mean[i] = float64(v)
	}
	return mean
}

func (d *decoder) begin() error {
	if C.ps_start_utt(d.ps) != 0 {
		return errors.New("pocketsphinx: an utterance cannot be started")
	}
	return nil
}

// write adds audio to the utterance. whole says that it is all of it, and so can be normalised by
// its own mean.
func (d *decoder) write(samples []int16, whole bool) error {
	if len(samples) == 0 {
		return nil
	}
	full := C.int(0)
	if whole {
		full = 1
	}
	if C.ps_process_raw(d.ps, (*C.int16)(unsafe.Pointer(&samples[0])), C.size_t(len(samples)), 0,
		full) < 0 {
		return errors.New("pocketsphinx: audio cannot be decoded")
	}
	return nil
}

func (d *decoder) end() error {
	if C.ps_end_utt(d.ps) != 0 {
		return errors.New("pocketsphinx: an utterance cannot be ended")
	}
	return nil
}

func (d *decoder) hypothesis() string {
	return C.GoString(C.ps_get_hyp(d.ps, nil))
}

// segments returns the best hypothesis, fillers included.
func (d *decoder) segments() []segment {
	var list []segment
	for s := C.ps_seg_iter(d.ps); s != nil; s = C.ps_seg_next(s) {
		var first, last C.int
		C.ps_seg_frames(s, &first, &last)
		list = append(list, segment{
			word: C.GoString(C.ps_seg_word(s)), first: int(first), last: int(last),
			probability: float64(C.seg_probability(d.ps, s)),
		})
	}
	return list
}

// best returns up to n different hypotheses, the best first.
func (d *decoder) best(n int) [][]string {
	var list [][]string
	seen := map[string]bool{}
	it := C.ps_nbest(d.ps)
	// Many entries differ in fillers only.
	for tries := 0; it != nil && len(list) < n && tries < 10*n; tries++ {
		var score C.int32
		words := plain(C.GoString(C.ps_nbest_hyp(it, &score)))
		if key := strings.Join(words, " "); key != "" && !seen[key] {
			seen[key] = true
			list = append(list, words)
		}
		it = C.ps_nbest_next(it)
	}
	if it != nil {
		C.ps_nbest_free(it)
	}
	return list
}

// plain returns the words of a hypothesis without fillers and marks of pronunciation variants.
func plain(hypothesis string) []string {
	var words []string
	for _, w := range strings.Fields(hypothesis) {
		if w, ok := word(w); ok {
			words = append(words, w)
		}
	}
	return words
}

// word returns a word of the dictionary without the number of its pronunciation, as in read(2);
// ok is false for fillers.
func word(w string) (plain string, ok bool) {
	if strings.HasPrefix(w, "<") || strings.HasPrefix(w, "[") || strings.HasPrefix(w, "+") {
		return "", false
	}
	plain, _, _ = strings.Cut(w, "(")
	return plain, true
}
