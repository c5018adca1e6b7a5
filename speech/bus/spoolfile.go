package bus

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"bedside/speech/frame"
)

// A spool file begins with a header: the version, the fence, and the place of the first record
// that is not published. Records follow: length of the data, its checksum, number of frames,
// number of frames dropped before them (all of 4 bytes, big-endian), data. The file is not synced:
// it survives the process, not the machine.
const (
	spoolSuffix  = ".spool"
	spoolVersion = 1
	spoolHeader  = 4 + 8 + 8
	recordHeader = 4 * 4
)

var (
	errBadSpool   = errors.New("damaged spool file")
	errSpoolInUse = errors.New("a spool file of another process")
)

// spoolFile is a queue of batches in a file. It belongs to its backlog or leftover.
type spoolFile struct {
	spool   *spool
	path    string
	file    *os.File
	attempt string
	speaker string // frame.EventsToken: the records are batches of events
	id      string // random; part of its name
	fence   int64
	size    int64 // place of the next record
	next    int64 // place of the oldest record
	length  int64 // of the oldest record, after head
	frames  int   // appended and not popped, with those that the records say were dropped
	oldest  int   // of them in the oldest record, after head
}

// createSpoolFile creates a file for a speaker's batches.
func createSpoolFile(s *spool, attempt, speaker string, fence int64) (*spoolFile, error) {
	if s.dir == "" {
		return nil, errSpoolFull
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	f := &spoolFile{
		spool: s, attempt: attempt, speaker: speaker, id: rand.Text()[:10], fence: fence,
		size: spoolHeader, next: spoolHeader,
	}
	f.path = filepath.Join(s.dir, strings.Join([]string{attempt, speaker, f.id}, ".")+spoolSuffix)
	// The file gets its name when it is whole and locked, so that no other process takes it over.
	temporary := filepath.Join(s.dir, f.id+".new")
	file, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	f.file = file
	if err := errors.Join(lock(file), f.writeHeader(), os.Rename(temporary, f.path)); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(temporary))
	}
	return f, nil
}

// lock locks a file until it is closed, or its process ends.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// openSpoolFile opens a file that an earlier process has left. It returns errSpoolInUse for one
// that another process has open.
func openSpoolFile(s *spool, name string) (*spoolFile, error) {
	parts := strings.Split(strings.TrimSuffix(name, spoolSuffix), ".")
	if len(parts) != 3 || !frame.ValidToken(parts[0]) ||
		!frame.ValidSpeaker(parts[1]) && parts[1] != frame.EventsToken {
		return nil, fmt.Errorf("%w: %s", errBadSpool, name)
	}
	file, err := os.OpenFile(filepath.Join(s.dir, name), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if lock(file) != nil {
		return nil, errors.Join(errSpoolInUse, file.Close())
	}
	f := &spoolFile{
		spool: s, path: filepath.Join(s.dir, name), file: file, attempt: parts[0],
		speaker: parts[1], id: parts[2],
	}
	var header [spoolHeader]byte
	info, err := file.Stat()
	if err == nil {
		_, err = file.ReadAt(header[:], 0)
	}
	if err == nil && binary.BigEndian.Uint32(header[:]) != spoolVersion {
		err = fmt.Errorf("%w: %s", errBadSpool, name)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f.fence = int64(binary.BigEndian.Uint64(header[4:]))
	f.next, f.size = int64(binary.BigEndian.Uint64(header[12:])), info.Size()
	s.disk.used.Add(f.size)
	return f, nil
}

func (f *spoolFile) writeHeader() error {
	var b [spoolHeader]byte
	binary.BigEndian.PutUint32(b[:], spoolVersion)
	binary.BigEndian.PutUint64(b[4:], uint64(f.fence))
	binary.BigEndian.PutUint64(b[12:], uint64(f.next))
	_, err := f.file.WriteAt(b[:], 0)
	return err
}

// append adds a record. After an error the file is as before.
func (f *spoolFile) append(b batch) error {
	record := make([]byte, recordHeader, recordHeader+len(b.data))
	binary.BigEndian.PutUint32(record, uint32(len(b.data)))
	binary.BigEndian.PutUint32(record[4:], crc32.ChecksumIEEE(b.data))
	binary.BigEndian.PutUint32(record[8:], uint32(b.frames))
	binary.BigEndian.PutUint32(record[12:], uint32(b.dropped))
	record = append(record, b.data...)
	if !f.spool.disk.take(len(record)) {
		return errSpoolFull
	}
	if _, err := f.file.WriteAt(record, f.size); err != nil {
		f.spool.disk.give(len(record))
		return errors.Join(err, f.file.Truncate(f.size))
	}
	f.size += int64(len(record))
	f.frames += b.frames + b.dropped
	return nil
}

// head reads the oldest record.
func (f *spoolFile) head() (batch, error) {
	var header [recordHeader]byte
	if _, err := f.file.ReadAt(header[:], f.next); err != nil {
		return batch{}, fmt.Errorf("%w: %w", errBadSpool, err)
	}
	length := int64(binary.BigEndian.Uint32(header[:]))
	if length == 0 || length > frame.MaxBatch || f.next+recordHeader+length > f.size {
		return batch{}, fmt.Errorf("%w: a record of %d bytes", errBadSpool, length)
	}
	data := make([]byte, length)
	if _, err := f.file.ReadAt(data, f.next+recordHeader); err != nil {
		return batch{}, fmt.Errorf("%w: %w", errBadSpool, err)
	}
	if crc32.ChecksumIEEE(data) != binary.BigEndian.Uint32(header[4:]) {
		return batch{}, fmt.Errorf("%w: checksum", errBadSpool)
	}
	f.length = recordHeader + length
	b := batch{
		data: data, frames: int(binary.BigEndian.Uint32(header[8:])),
		dropped: int(binary.BigEndian.Uint32(header[12:])),
	}
	f.oldest = b.frames + b.dropped
	return b, nil
}

// pop removes the record that head has read, and reports whether none is left. A process that
// takes the file over does not publish it again.
func (f *spoolFile) pop() (empty bool) {
	f.next += f.length
	f.frames -= f.oldest
	_ = f.writeHeader() // a record that is published twice does no harm
	return f.next >= f.size
}

// close leaves the file for the next start of the process.
func (f *spoolFile) close() error {
	f.spool.disk.give(int(f.size - spoolHeader))
	return f.file.Close()
}

// remove closes and removes the file.
func (f *spoolFile) remove() {
	_ = f.close()
	_ = os.Remove(f.path) // one that stays is removed at a later start
}
