package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// OggHeader is the identification header of an Ogg Opus file (RFC 7845, section 5.1).
type OggHeader struct {
	Channels int
	PreSkip  int     // samples at 48 kHz to drop at the start
	GainDB   float64 // gain to apply to the decoded sound
}

// OggReader reads the packets of an Ogg file that holds one Opus stream. Not safe for concurrent
// use.
type OggReader struct {
	Header OggHeader

	pages  *pageReader
	page   page
	packet []byte // collected from segments and pages
	again  bool   // Next returns packet once more
	want   uint32 // sequence number of the next page
	serial uint32
	open   bool  // packet continues on the next page
	last   bool  // page is the last of the stream
	first  int64 // granule position of the stream's start
	begun  bool  // first is known
	end    int64
}

// maxOggPacket is the size of the largest packet: 48 frames of the largest size with their
// framing.
const maxOggPacket = 48*(maxFrameBytes+2) + 2

// NewOggReader reads the headers of an Ogg Opus file. The errors are those of OpenAudio.
func NewOggReader(r io.Reader) (*OggReader, error) {
	o := &OggReader{pages: newPageReader(r), end: -1}
	if err := o.readHeader(); err != nil {
		return nil, err
	}
	if err := o.skipTags(); err != nil {
		return nil, err
	}
	return o, nil
}

// Next returns the next packet, valid until the next call, and its duration. After the last packet
// it returns io.EOF, or ErrTruncated if the file has no last page.
func (o *OggReader) Next() (packet []byte, samples48k int, err error) {
	if !o.again {
		if _, err = o.nextPacket(maxOggPacket); err != nil {
			return nil, 0, err
		}
	}
	packet, o.again = o.packet, false
	samples48k, err = PacketDuration(packet)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: before byte %d: %w", ErrDamaged, o.pages.offset, err)
	}
	return packet, samples48k, nil
}

// unread makes Next return the same packet once more.
func (o *OggReader) unread() { o.again = true }

// End returns the end of the sound, in samples at 48 kHz from the start of the first packet. The
// last packet may reach beyond it. End returns -1 until the last page has been read, which Next
// does before it returns the first packet of that page.
func (o *OggReader) End() int64 { return o.end }

func (o *OggReader) readHeader() error {
	p, err := o.pages.next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the file is empty", ErrNotAudio)
	} else if err != nil {
		return err
	}
	if p.flags&flagFirst == 0 {
		return fmt.Errorf("%w: the file begins in the middle of an Ogg stream: use the whole file",
			ErrDamaged)
	}
	body, ok := bytes.CutPrefix(p.body, []byte("OpusHead"))
	if !ok {
		return fmt.Errorf("%w: an Ogg file with %s: convert it to Ogg Opus or WAV", ErrUnsupported,
			codecName(p.body))
	}
	if len(body) < 11 {
		return fmt.Errorf("%w: the Opus header has %d bytes, too few", ErrDamaged, len(p.body))
	}
	if body[0]>>4 != 0 {
		return fmt.Errorf("%w: Ogg Opus version %d", ErrUnsupported, body[0])
	}
	channels, family := int(body[1]), body[10]
	if family != 0 || channels > 2 {
		return fmt.Errorf(
			"%w: Ogg Opus with %d channels in mapping family %d: convert it to mono or stereo",
			ErrUnsupported, channels, family)
	}
	if channels == 0 {
		return fmt.Errorf("%w: the Opus header names no channel", ErrDamaged)
	}
	o.Header = OggHeader{
		Channels: channels, PreSkip: int(binary.LittleEndian.Uint16(body[2:])),
		GainDB: float64(int16(binary.LittleEndian.Uint16(body[8:]))) / 256,
	}
	o.serial, o.want = p.serial, p.sequence+1
	return nil
}

// codecName describes the codec of an Ogg stream from its first bytes.
func codecName(body []byte) string {
	for _, c := range []struct{ magic, name string }{
		{"\x01vorbis", "Vorbis"}, {"\x7fFLAC", "FLAC"}, {"Speex", "Speex"},
		{"\x80theora", "video"}, {"fishead", "several streams"},
	} {
		if bytes.HasPrefix(body, []byte(c.magic)) {
			return c.name + " instead of Opus"
		}
	}
	return "no Opus in it"
}

// skipTags reads the comment header and keeps its start only: nothing of it is needed, and it may
// be large (pictures).
func (o *OggReader) skipTags() error {
	tags, err := o.nextPacket(-8)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: the file stops after its first header: copy it again", ErrTruncated)
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(tags, []byte("OpusTags")) {
		return fmt.Errorf("%w: the comment header is missing", ErrDamaged)
	}
	return nil
}

// nextPacket reads the next packet. A packet of more than limit bytes is an error; with a limit
// below zero, only the first -limit bytes of the packet are returned.
func (o *OggReader) nextPacket(limit int) ([]byte, error) {
	o.packet = o.packet[:0]
	for {
		for len(o.page.lacing) > 0 {
			n := int(o.page.lacing[0])
			segment := o.page.body[:n]
			o.page.lacing, o.page.body = o.page.lacing[1:], o.page.body[n:]
			if limit < 0 {
				segment = segment[:min(n, -limit-len(o.packet))]
			}
			o.packet = append(o.packet, segment...)
			if limit >= 0 && len(o.packet) > limit {
				return nil, fmt.Errorf("%w: a packet of over %d bytes before byte %d", ErrDamaged,
					limit, o.pages.offset)
			}
			if o.open = n == 255; !o.open {
				return o.packet, nil
			}
		}
		if err := o.nextPage(); err != nil {
			return nil, err
		}
	}
}

func (o *OggReader) nextPage() error {
	if o.last {
		return o.finish()
	}
	at := o.pages.offset
	p, err := o.pages.next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf(
			"%w: the file stops at byte %d without a last page: copy it again, or make it again from its source",
			ErrTruncated, at)
	} else if err != nil {
		return err
	}
	switch {
	case p.flags&flagFirst != 0 || p.serial != o.serial:
		return errSeveral(at)
	case p.sequence != o.want:
		return fmt.Errorf("%w: pages are missing before byte %d: copy the file again", ErrDamaged,
			at)
	case (p.flags&flagContinued != 0) != o.open:
		return fmt.Errorf("%w: a packet is in pieces that do not fit at byte %d", ErrDamaged, at)
	}
	o.page, o.want, o.last = p, o.want+1, p.flags&flagLast != 0
	return o.place()
}

func errSeveral(at int64) error {
	return fmt.Errorf(
		"%w: a second stream begins at byte %d of the Ogg file: split it into files of one stream each",
		ErrUnsupported, at)
}

// finish returns the error for the end of the stream: io.EOF, unless the last packet is
// incomplete or another stream follows.
func (o *OggReader) finish() error {
	if o.open {
		return fmt.Errorf("%w: the last packet is incomplete: copy the file again", ErrTruncated)
	}
	if magic, err := o.pages.r.Peek(4); err == nil && string(magic) == "OggS" {
		return errSeveral(o.pages.offset)
	}
	return io.EOF
}

// place derives the start of the stream from the first page on which an audio packet ends, and
// the end of the stream from its last page.
func (o *OggReader) place() error {
	if o.page.granule < noGranule {
		return fmt.Errorf("%w: a page at a negative time before byte %d", ErrDamaged,
			o.pages.offset)
	}
	if !o.begun && o.page.granule > 0 {
		o.begun = true
		// The last page may end before its packets do, so it says nothing about the start.
		if !o.last {
			o.first = max(0, o.page.granule-o.pageLength())
		}
	}
	if o.last && o.page.granule >= 0 {
		o.end = max(0, o.page.granule-o.first)
	}
	return nil
}

// pageLength returns the total duration of the packets that end on the page.
func (o *OggReader) pageLength() int64 {
	var sum int64
	body, packet := o.page.body, append([]byte(nil), o.packet...)
	for _, n := range o.page.lacing {
		packet, body = append(packet, body[:n]...), body[n:]
		if n < 255 {
			if d, err := PacketDuration(packet); err == nil {
				sum += int64(d)
			}
			packet = packet[:0]
		}
	}
	return sum
}
