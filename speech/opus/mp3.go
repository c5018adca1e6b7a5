package opus

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hajimehoshi/go-mp3"
)

// isMP3 reports whether a file begins like an MP3 file: with an ID3 tag, or with the header of a
// frame of MPEG audio, layer 3.
func isMP3(head []byte) bool {
	return bytes.HasPrefix(head, []byte("ID3")) ||
		len(head) > 2 && head[0] == 0xff && head[1]&0xe6 == 0xe2
}

// maxTags is the number of ID3 tags at the beginning of a file that are skipped.
const maxTags = 16

// skipID3 skips the ID3 tags (version 2) that a file begins with. The decoder would read a tag
// into memory, of the size that the tag claims, which can be 256 MB.
func skipID3(br *bufio.Reader) error {
	for range maxTags {
		head, err := br.Peek(10)
		if err != nil || !bytes.HasPrefix(head, []byte("ID3")) {
			return nil // a file that is too short fails when it is decoded
		}
		size := int64(10)
		for i, b := range head[6:] {
			size += int64(b&0x7f) << (21 - 7*i)
		}
		if head[5]&0x10 != 0 {
			size += 10 // a footer
		}
		if _, err := io.CopyN(io.Discard, br, size); err != nil {
			if errors.Is(err, io.EOF) {
				return fmt.Errorf("%w: in its ID3 tag: make the file again from its source",
					ErrTruncated)
			}
			return fmt.Errorf("read audio: %w", err)
		}
	}
	return fmt.Errorf("%w: too many ID3 tags", ErrDamaged)
}

// mp3Sound decodes an MP3 file. It implements blocks.
type mp3Sound struct {
	dec *mp3.Decoder
	raw []byte // 16 bits, always two channels
	out []float32
}

func (a *AudioReader) openMP3(br *bufio.Reader) (rate int, err error) {
	if err := skipID3(br); err != nil {
		return 0, err
	}
	// Not br itself: the decoder must not find out that it can seek.
	s := &mp3Sound{raw: make([]byte, 4*1152)}
	err = guardMP3(func() (err error) {
		s.dec, err = mp3.NewDecoder(struct{ io.Reader }{br})
		return err
	})
	if err != nil {
		return 0, err
	}
	rate = s.dec.SampleRate()
	if err := checkRate(rate); err != nil {
		return 0, err
	}
	a.src = s
	a.Format = fmt.Sprintf("MP3, %d Hz", rate)
	return rate, nil
}

// guardMP3 runs a step of the decoder, which panics on some damaged files.
func guardMP3(step func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the MP3 decoder failed: %v", ErrDamaged, p)
		}
	}()
	err = step()
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	return err
}

func (s *mp3Sound) next() ([]float32, error) {
	n := 0
	err := guardMP3(func() (err error) {
		n, err = io.ReadFull(s.dec, s.raw)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil // the end; the next call returns it
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.out = s.out[:0]
	for b := s.raw[:n/4*4]; len(b) > 0; b = b[4:] {
		left := float32(int16(binary.LittleEndian.Uint16(b)))
		right := float32(int16(binary.LittleEndian.Uint16(b[2:])))
		s.out = append(s.out, (left+right)/(2*32768))
	}
	return s.out, nil
}
