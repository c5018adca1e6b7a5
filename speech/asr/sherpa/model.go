package sherpa

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// files are the files of a model, by their absolute paths. Either the three parts of a transducer
// are there, or one network with CTC.
type files struct {
	tokens                   string
	encoder, decoder, joiner string
	ctc                      ctcKind
	network                  string
}

// ctcKind is one of the kinds of networks with CTC that the engine knows.
type ctcKind int

const (
	noCTC ctcKind = iota
	zipformer
	nemo
	tone
)

// readFolder finds the files of a streaming model. It looks at names and at the beginning of what
// is inside; whether the engine can use them is known only when it tries.
func readFolder(dir string) (f files, err error) {
	if !isFolder(dir) {
		return f, fmt.Errorf("%s is no folder", dir)
	}
	f.tokens = filepath.Join(dir, "tokens.txt")
	if err := checkTokens(f.tokens); err != nil {
		return f, err
	}
	// Networks of 8-bit numbers are twice as fast. The decoder is small, and loses by them.
	f.encoder = pick(dir, "encoder*.onnx", true)
	f.decoder = pick(dir, "decoder*.onnx", false)
	f.joiner = pick(dir, "joiner*.onnx", true)
	switch {
	case f.encoder != "" && f.decoder != "" && f.joiner != "":
		return f, nil
	case f.encoder != "" || f.decoder != "" || f.joiner != "":
		return f, fmt.Errorf("%s lacks an encoder, a decoder or a joiner", dir)
	}
	if f.network = pick(dir, "*.onnx", true); f.network == "" {
		return f, fmt.Errorf("%s has no .onnx files", dir)
	}
	f.ctc, err = kindOf(f.network)
	return f, err
}

// pick returns a file that matches, preferably one of 8-bit numbers, or preferably another one.
func pick(dir, pattern string, small bool) string {
	list := glob(dir, pattern)
	i := slices.IndexFunc(list, func(path string) bool {
		return strings.Contains(filepath.Base(path), ".int8.") == small
	})
	switch {
	case len(list) == 0:
		return ""
	case i < 0:
		return list[0]
	}
	return list[i]
}

// maxTokens is the size of the longest list of tokens in bytes.
const maxTokens = 4 << 20

// checkTokens checks that a file lists tokens with their numbers, and among them the blank.
func checkTokens(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxTokens {
		return fmt.Errorf("%s has %d bytes, which is no list of tokens", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	blank := false
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		token, number, _ := cutLast(lines.Text())
		if _, err := strconv.Atoi(number); err != nil {
			return fmt.Errorf("%s: %.40q is no token with its number", path, lines.Text())
		}
		switch token {
		case "<blk>", "<eps>", "<blank>":
			blank = true
		}
	}
	if !blank {
		return fmt.Errorf("%s has no blank token", path)
	}
	return nil
}

// cutLast cuts a line at its last space.
func cutLast(line string) (before, after string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", line, false
	}
	return line[:i], line[i+1:], true
}

// kindOf tells the kind of a network from its metadata.
func kindOf(path string) (ctcKind, error) {
	keys, err := metadata(path)
	if err != nil {
		return noCTC, fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case slices.Contains(keys, "chunk_shift") && slices.Contains(keys, "window_size"):
		return nemo, nil
	case slices.Contains(keys, "frame_length_ms") && slices.Contains(keys, "state_dim"):
		return tone, nil
	case slices.Contains(keys, "decode_chunk_len"):
		return zipformer, nil
	}
	return noCTC, fmt.Errorf("%s is not a streaming model with CTC that the engine knows", path)
}

var errNotONNX = errors.New("not an ONNX file")

// metadata returns the keys of the metadata of an ONNX file. The file is a message of protocol
// buffers: fields with a number, a type and, but for plain numbers, a length.
func metadata(path string) (keys []string, err error) {
	const (
		plainNumber   = 0
		bytesOfLength = 2
		metadataField = 14
		maxEntry      = 64 << 10
	)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	for at := int64(0); at < info.Size(); {
		tag, n := number(f, at)
		at += int64(n)
		value, m := number(f, at)
		at += int64(m)
		if n == 0 || m == 0 || tag>>3 == 0 {
			return nil, errNotONNX
		}
		switch tag & 7 {
		case plainNumber:
		case bytesOfLength:
			if value > uint64(info.Size()-at) {
				return nil, errNotONNX
			}
			if tag>>3 == metadataField && value <= maxEntry {
				entry := make([]byte, value)
				if _, err := f.ReadAt(entry, at); err != nil {
					return nil, err
				}
				keys = append(keys, key(entry))
			}
			at += int64(value)
		default:
			return nil, errNotONNX
		}
	}
	return keys, nil
}

// number reads a number of up to ten bytes at a place. length is 0 when there is none.
func number(f *os.File, at int64) (value uint64, length int) {
	var b [10]byte
	n, _ := f.ReadAt(b[:], at)
	for i, c := range b[:n] {
		value |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}

// key returns the first field of an entry of the metadata.
func key(entry []byte) string {
	if len(entry) < 2 || entry[0] != 1<<3|2 || entry[1] >= 0x80 || int(entry[1]) > len(entry)-2 {
		return ""
	}
	return string(entry[2 : 2+entry[1]])
}
