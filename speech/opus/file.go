package opus

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// FileSource is a PacketSource that owns its file. The caller that opened it closes it.
type FileSource struct {
	*PacketSource
	file *os.File
}

// OpenFile opens an audio file as Opus packets. Its errors name the file and are otherwise those
// of NewPacketSource.
func OpenFile(path string) (*FileSource, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	source, err := NewPacketSource(f, EncoderConfig{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return &FileSource{PacketSource: source, file: f}, nil
}

// Close closes the file.
func (s *FileSource) Close() error { return s.file.Close() }

// FilePackets encodes an audio file in packets of 20 ms. It returns ErrTooLong when the file is
// longer than limit. It encodes Opus files again as well, so that all packets have the same
// length.
func FilePackets(path string, limit time.Duration) ([][]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pcm, err := ReadAudio(f, ClockRate, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return encodeAll(pcm)
}
