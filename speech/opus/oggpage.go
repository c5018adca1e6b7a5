package opus

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
)

const (
	pageHeaderSize = 27
	pageSegments   = 255
	maxPageSize    = pageHeaderSize + pageSegments + pageSegments*255

	flagContinued = 1
	flagFirst     = 2
	flagLast      = 4

	noGranule = -1 // granule position of a page on which no packet ends
)

// page is one page of an Ogg stream (RFC 3533, section 6).
type page struct {
	flags    byte
	granule  int64
	serial   uint32
	sequence uint32
	lacing   []byte // segment sizes; after 255 the packet continues in the next segment
	body     []byte
}

// append appends the page's binary form, with its checksum, to dst.
func (p *page) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, "OggS\x00"...)
	dst = append(dst, p.flags)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(p.granule))
	dst = binary.LittleEndian.AppendUint32(dst, p.serial)
	dst = binary.LittleEndian.AppendUint32(dst, p.sequence)
	dst = append(dst, 0, 0, 0, 0, byte(len(p.lacing)))
	dst = append(dst, p.lacing...)
	dst = append(dst, p.body...)
	binary.LittleEndian.PutUint32(dst[start+22:], pageSum(dst[start:]))
	return dst
}

// pageReader reads pages one after another.
type pageReader struct {
	r      *bufio.Reader
	buf    []byte
	offset int64 // of the next page
}

func newPageReader(r io.Reader) *pageReader {
	return &pageReader{r: bufio.NewReaderSize(r, 16<<10), buf: make([]byte, maxPageSize)}
}

// next returns the next page, valid until the next call. It returns io.EOF when the input ends
// between two pages, and wraps ErrTruncated, ErrDamaged or ErrUnsupported otherwise.
func (pr *pageReader) next() (page, error) {
	head := pr.buf[:pageHeaderSize]
	if n, err := io.ReadFull(pr.r, head); n == 0 && errors.Is(err, io.EOF) {
		return page{}, io.EOF
	} else if err != nil {
		return page{}, pr.cut(err)
	}
	if string(head[:4]) != "OggS" {
		return page{}, fmt.Errorf(
			"%w: no Ogg page at byte %d: make the file again from its source", ErrDamaged,
			pr.offset)
	}
	if head[4] != 0 {
		return page{}, fmt.Errorf("%w: Ogg version %d at byte %d", ErrUnsupported, head[4],
			pr.offset)
	}
	lacing := pr.buf[pageHeaderSize : pageHeaderSize+int(head[26])]
	if _, err := io.ReadFull(pr.r, lacing); err != nil {
		return page{}, pr.cut(err)
	}
	size := 0
	for _, n := range lacing {
		size += int(n)
	}
	whole := pr.buf[:pageHeaderSize+len(lacing)+size]
	body := whole[pageHeaderSize+len(lacing):]
	if _, err := io.ReadFull(pr.r, body); err != nil {
		return page{}, pr.cut(err)
	}
	p := page{
		flags:    head[5],
		granule:  int64(binary.LittleEndian.Uint64(head[6:])),
		serial:   binary.LittleEndian.Uint32(head[14:]),
		sequence: binary.LittleEndian.Uint32(head[18:]),
		lacing:   lacing,
		body:     body,
	}
	want := binary.LittleEndian.Uint32(head[22:])
	clear(head[22:26])
	if got := pageSum(whole); got != want {
		return page{}, fmt.Errorf(
			"%w: wrong checksum of the Ogg page at byte %d: copy the file again or make it again from its source",
			ErrDamaged, pr.offset)
	}
	pr.offset += int64(len(whole))
	return p, nil
}

// cut returns the error for an input that ends, or fails, inside a page.
func (pr *pageReader) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file stops inside the Ogg page at byte %d: copy it again",
			ErrTruncated, pr.offset)
	}
	return fmt.Errorf("read Ogg page at byte %d: %w", pr.offset, err)
}

// pageSum returns Ogg's checksum. It has the polynomial of the usual CRC-32, but the reverse
// order of bits and no inversion, so the standard library can compute it over mirrored bytes.
func pageSum(p []byte) uint32 {
	var mirrored [512]byte
	sum := ^uint32(0)
	for len(p) > 0 {
		n := min(len(p), len(mirrored))
		for i, b := range p[:n] {
			mirrored[i] = bits.Reverse8(b)
		}
		sum = crc32.Update(sum, crc32.IEEETable, mirrored[:n])
		p = p[n:]
	}
	return bits.Reverse32(^sum)
}
