package sherpa

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The C API of the engine, as versions from 1.12.11 to 1.13 have it. Structures of one member are
// written as that member.
typedef struct {
	const char *encoder, *decoder, *joiner;
	const char *paraformer_encoder, *paraformer_decoder;
	const char *zipformer_ctc;
	const char *tokens;
	int32_t threads;
	const char *provider;
	int32_t debug;
	const char *type, *unit, *vocabulary;
	const char *tokens_text;
	int32_t tokens_size;
	const char *nemo_ctc;
	const char *tone_ctc;
} model_config;

typedef struct {
	int32_t sample_rate, dimension;
	model_config model;
	const char *method;
	int32_t paths;
	int32_t endpoint;
	float rule1, rule2, rule3;
	const char *hotwords;
	float hotwords_score;
	struct { const char *graph; int32_t active; } fst;
	const char *rule_fsts, *rule_fars;
	float blank_penalty;
	const char *hotwords_text;
	int32_t hotwords_size;
	struct { const char *folder, *lexicon, *rules; } homophones;
} recogniser_config;

typedef struct {
	const char *(*version)(void);
	const void *(*create)(const recogniser_config *);
	void (*destroy)(const void *);
	const void *(*open)(const void *);
	void (*close)(const void *);
	void (*accept)(const void *, int32_t, const float *, int32_t);
	void (*finished)(const void *);
	int32_t (*ready)(const void *, const void *);
	void (*decode)(const void *, const void *);
	const char *(*result)(const void *, const void *);
	void (*free_result)(const char *);
} api;

// open_library fills in the functions. It returns NULL, or the name of what is missing.
static const char *open_library(const char *path, api *a) {
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) return dlerror();
	static const char *names[] = {
		"SherpaOnnxGetVersionStr", "SherpaOnnxCreateOnlineRecognizer",
		"SherpaOnnxDestroyOnlineRecognizer", "SherpaOnnxCreateOnlineStream",
		"SherpaOnnxDestroyOnlineStream", "SherpaOnnxOnlineStreamAcceptWaveform",
		"SherpaOnnxOnlineStreamInputFinished", "SherpaOnnxIsOnlineStreamReady",
		"SherpaOnnxDecodeOnlineStream", "SherpaOnnxGetOnlineStreamResultAsJson",
		"SherpaOnnxDestroyOnlineStreamResultJson",
	};
	void **functions = (void **)a;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		functions[i] = dlsym(library, names[i]);
		if (functions[i] == NULL) {
			dlclose(library);
			return names[i];
		}
	}
	return NULL;
}

static const char *version(api *a) { return a->version(); }

static const void *create(api *a, const char *encoder, const char *decoder, const char *joiner,
		const char *zipformer, const char *nemo, const char *tone, const char *tokens) {
	recogniser_config c;
	memset(&c, 0, sizeof c);
	c.sample_rate = 16000;
	c.dimension = 80;
	c.model.encoder = encoder;
	c.model.decoder = decoder;
	c.model.joiner = joiner;
	c.model.zipformer_ctc = zipformer;
	c.model.nemo_ctc = nemo;
	c.model.tone_ctc = tone;
	c.model.tokens = tokens;
	c.model.threads = 1;
	c.model.provider = "cpu";
	c.method = "greedy_search";
	c.paths = 4;
	return a->create(&c);
}

static void destroy(api *a, const void *r) { a->destroy(r); }
static const void *open_stream(api *a, const void *r) { return a->open(r); }
static void close_stream(api *a, const void *s) { a->close(s); }
static void finished(api *a, const void *s) { a->finished(s); }

static void accept(api *a, const void *r, const void *s, const float *samples, int32_t n) {
	a->accept(s, 16000, samples, n);
}

// decode returns how often the model had enough audio.
static int decode(api *a, const void *r, const void *s) {
	int n = 0;
	for (; a->ready(r, s); n++) a->decode(r, s);
	return n;
}

static const char *result(api *a, const void *r, const void *s) { return a->result(r, s); }
static void free_result(api *a, const char *text) { a->free_result(text); }
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"bedside/speech/asr"
)

// engine is a loaded library with a loaded model. Its streams may be used at the same time, each
// by one goroutine.
type engine struct {
	api        *C.api // on the C heap
	recogniser unsafe.Pointer
	version    string
}

// load loads the library and the model. The engine may end the process when the files are not what
// it expects. A library stays loaded until the process ends.
func load(library string, f files) (*engine, error) {
	path := C.CString(library)
	defer C.free(unsafe.Pointer(path))
	a := (*C.api)(C.calloc(1, C.sizeof_api))
	if missing := C.open_library(path, a); missing != nil {
		C.free(unsafe.Pointer(a))
		return nil, fmt.Errorf("the engine of sherpa-onnx cannot be loaded: %s",
			C.GoString(missing))
	}
	e := &engine{api: a, version: C.GoString(C.version(a))}
	if err := checkVersion(e.version); err != nil {
		C.free(unsafe.Pointer(a))
		return nil, err
	}
	network := func(k ctcKind) string {
		if f.ctc == k {
			return f.network
		}
		return ""
	}
	var strings []*C.char
	c := func(s string) *C.char {
		p := C.CString(s)
		strings = append(strings, p)
		return p
	}
	e.recogniser = C.create(a, c(f.encoder), c(f.decoder), c(f.joiner), c(network(zipformer)),
		c(network(nemo)), c(network(tone)), c(f.tokens))
	for _, s := range strings {
		C.free(unsafe.Pointer(s))
	}
	if e.recogniser == nil {
		C.free(unsafe.Pointer(a))
		return nil, errors.New("the engine of sherpa-onnx refuses the model")
	}
	return e, nil
}

func (e *engine) free() {
	C.destroy(e.api, e.recogniser)
	C.free(unsafe.Pointer(e.api))
}

// decoding is a stream of the engine.
type decoding struct {
	e       *engine
	s       unsafe.Pointer
	decoded int // how often the model had enough audio
}

func (e *engine) open() (*decoding, error) {
	s := C.open_stream(e.api, e.recogniser)
	if s == nil {
		return nil, errors.New("sherpa-onnx: a stream cannot be opened")
	}
	return &decoding{e: e, s: s}, nil
}

func (d *decoding) free() { C.close_stream(d.e.api, d.s) }

// write decodes audio as far as the model can.
func (d *decoding) write(samples []float32) {
	if len(samples) == 0 {
		return
	}
	C.accept(d.e.api, d.e.recogniser, d.s, (*C.float)(unsafe.Pointer(&samples[0])),
		C.int32_t(len(samples)))
	d.decoded += int(C.decode(d.e.api, d.e.recogniser, d.s))
}

// tail is the silence after an utterance, so that the model decodes its last words.
const tail = asr.SampleRate * 6 / 10

// end decodes the rest and returns the result as JSON.
func (d *decoding) end() (string, error) {
	d.write(make([]float32, tail))
	C.finished(d.e.api, d.s)
	d.decoded += int(C.decode(d.e.api, d.e.recogniser, d.s))
	return d.result()
}

// result returns the result so far as JSON.
func (d *decoding) result() (string, error) {
	text := C.result(d.e.api, d.e.recogniser, d.s)
	if text == nil {
		return "", errors.New("sherpa-onnx: there is no result")
	}
	defer C.free_result(d.e.api, text)
	return C.GoString(text), nil
}
