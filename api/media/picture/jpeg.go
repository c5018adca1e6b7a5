package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// jpegHeader is what the markers of a JPEG file say that come before the image data.
type jpegHeader struct {
	width, height   int
	components      int
	samplesPerPixel float64 // of all components, one byte each when they are decoded
	progressive     bool
	orientation     int // 1 to 8
}

const (
	// maxSegments is the number of markers that are read. Cameras write some dozens.
	maxSegments = 2000
	// maxEXIF is the size of EXIF data that are looked at: the largest of a JPEG file.
	maxEXIF    = 1<<16 - 1
	exifPrefix = "Exif\x00\x00"
)

// readJPEG reads the markers of a JPEG file (ITU-T T.81, annex B) up to the first scan.
func readJPEG(r io.Reader) (h jpegHeader, err error) {
	h.orientation = 1
	var b [4]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return h, err
	}
	segment := make([]byte, 0, 1024)
	for range maxSegments {
		marker, err := nextMarker(r)
		if err != nil {
			return h, err
		}
		switch {
		case marker == 0xda: // the first scan
			if h.width == 0 || h.height == 0 {
				return h, errors.New("the scan comes before the frame")
			}
			return h, nil
		case marker == 0xd9:
			return h, errors.New("the file ends before its image")
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8:
			continue // without a segment
		}
		if _, err := io.ReadFull(r, b[:2]); err != nil {
			return h, err
		}
		size := int(binary.BigEndian.Uint16(b[:2])) - 2
		if size < 0 {
			return h, fmt.Errorf("marker %#x has no length", marker)
		}
		isFrame := marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
			marker != 0xcc
		if !isFrame && marker != 0xe1 {
			if _, err := io.CopyN(io.Discard, r, int64(size)); err != nil {
				return h, err
			}
			continue
		}
		segment = append(segment[:0], make([]byte, size)...)
		if _, err := io.ReadFull(r, segment); err != nil {
			return h, err
		}
		if !isFrame {
			if tiff, ok := bytes.CutPrefix(segment, []byte(exifPrefix)); ok {
				h.orientation = orientationOf(tiff)
			}
			continue
		}
		if err := h.readFrame(marker, segment); err != nil {
			return h, err
		}
	}
	return h, errors.New("too many segments")
}

// nextMarker returns the code of the next marker. Bytes between segments and fill bytes are
// skipped, as decoders do.
func nextMarker(r io.Reader) (byte, error) {
	var b [1]byte
	const most = 1 << 16
	for afterFF, n := false, 0; n < most; n++ {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, err
		}
		if afterFF && b[0] != 0xff && b[0] != 0 {
			return b[0], nil
		}
		afterFF = b[0] == 0xff
	}
	return 0, errors.New("no marker")
}

// readFrame reads the header of a frame: the size of the image and how its components are sampled.
func (h *jpegHeader) readFrame(marker byte, s []byte) error {
	if h.width > 0 {
		return errors.New("two frames")
	}
	if len(s) < 6 || len(s) < 6+3*int(s[5]) || s[5] == 0 || s[5] > 4 {
		return errors.New("malformed frame")
	}
	h.height, h.width = int(binary.BigEndian.Uint16(s[1:])), int(binary.BigEndian.Uint16(s[3:]))
	h.components, h.progressive = int(s[5]), marker == 0xc2
	samples, mostH, mostV := 0, 0, 0
	for i := range h.components {
		across, down := int(s[6+3*i+1]>>4), int(s[6+3*i+1]&15)
		if across == 0 || down == 0 || across > 4 || down > 4 {
			return errors.New("malformed sampling")
		}
		samples += across * down
		mostH, mostV = max(mostH, across), max(mostV, down)
	}
	h.samplesPerPixel = float64(samples) / float64(mostH*mostV)
	return nil
}

// maxScans is the number of scans of a JPEG file that are decoded. Progressive photos have about
// ten. Each takes time for every block of the image, however few bytes it has.
const maxScans = 64

// scanCounter passes a JPEG file on to its decoder, until the file has too many scans or the
// context ends. It passes on little at a time, so that the decoder asks often. It counts what
// looks like the marker of a scan, which image data never do, and so cannot be led past one.
type scanCounter struct {
	from  io.Reader
	file  *source
	scans int
	last  byte
}

func (s *scanCounter) Read(p []byte) (int, error) {
	if err := s.file.ctx.Err(); err != nil {
		s.file.err = err
		return 0, err
	}
	n, err := s.from.Read(p[:min(len(p), 512)])
	for _, b := range p[:n] {
		if s.last == 0xff && b == 0xda {
			s.scans++
		}
		s.last = b
	}
	if s.scans > maxScans {
		s.file.err = fmt.Errorf("%w: it has more than %d scans", ErrDamaged, maxScans)
		return 0, s.file.err
	}
	return n, err
}

// orientationOf returns the orientation in EXIF data (a TIFF header and its first directory), or 1
// when there is none or it makes no sense.
func orientationOf(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		const tagOrientation, typeShort = 0x0112, 3
		if order.Uint16(entries) == tagOrientation {
			value := int(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) != typeShort || value < 1 || value > 8 {
				return 1
			}
			return value
		}
		entries = entries[12:]
	}
	return 1
}
