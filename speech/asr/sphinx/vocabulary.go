//go:build linux

package sphinx

/*
#include <stdlib.h>
#include <pocketsphinx.h>
#include <sphinxbase/err.h>
#include <sphinxbase/ngram_model.h>

// quiet keeps the C library from writing to standard error. Its functions return errors as well.
static void quiet(void) { err_set_logfp(NULL); }
*/
import "C"

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"
)

// load reads the packaged dictionary and the words of the packaged language model, once.
func (r *Recogniser) load() error {
	r.read.Do(func() {
		C.quiet()
		r.lexicon, r.readErr = readLexicon(filepath.Join(r.cfg.Model, dictionary))
		if r.readErr == nil {
			r.frequent, r.readErr = frequentWords(filepath.Join(r.cfg.Model, generalModel),
				r.lexicon, r.cfg.Vocabulary)
		}
	})
	return r.readErr
}

// readLexicon reads a dictionary: lines of a word, of which further pronunciations have a number
// in parentheses, and its phones.
func readLexicon(path string) (map[string][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	defer f.Close()
	lexicon := map[string][]string{}
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() {
			return lexicon, lines.Err()
		}
		name, phones, ok := strings.Cut(lines.Text(), " ")
		if w, spoken := word(name); ok && spoken {
			lexicon[w] = append(lexicon[w], strings.TrimSpace(phones))
		}
	}
}

// frequentWords returns the n most probable words of a language model that the lexicon has.
func frequentWords(path string, lexicon map[string][]string, n int) ([]string, error) {
	lmath := C.logmath_init(1.0001, 0, 0)
	defer C.logmath_free(lmath)
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	model := C.ngram_model_read(nil, name, C.NGRAM_AUTO, lmath)
	if model == nil {
		return nil, fmt.Errorf("the language model %s cannot be read", path)
	}
	defer C.ngram_model_free(model)
	type entry struct {
		word  string
		score C.int32
	}
	var all []entry
	for id := range int(*C.ngram_model_get_counts(model)) {
		w := C.GoString(C.ngram_word(model, C.int32(id)))
		if len(lexicon[w]) > 0 {
			var used C.int32
			all = append(all, entry{w, C.ngram_ng_score(model, C.int32(id), nil, 0, &used)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.word, b.word))
	})
	words := make([]string, 0, n)
	for _, e := range all[:min(n, len(all))] {
		words = append(words, e.word)
	}
	return words, nil
}

// writeDictionary writes the pronunciations of words, each once. Those in say come first. It
// returns the words that have none.
func writeDictionary(w io.Writer, words []string, lexicon map[string][]string,
	say map[string]string) (unknown []string, err error) {
	out := bufio.NewWriter(w)
	done := map[string]bool{}
	for _, word := range words {
		if done[word] {
			continue
		}
		done[word] = true
		pronunciations := lexicon[word]
		if own := say[word]; own != "" {
			pronunciations = append([]string{own}, pronunciations...)
		}
		if len(pronunciations) == 0 {
			unknown = append(unknown, word)
		}
		for i, phones := range pronunciations {
			if i == 0 {
				fmt.Fprintf(out, "%s %s\n", word, phones)
			} else {
				fmt.Fprintf(out, "%s(%d) %s\n", word, i+1, phones)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	return unknown, nil
}
