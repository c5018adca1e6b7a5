package opus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// oggSerial identifies the only stream of a file. It is constant, so that equal recordings are
	// equal byte for byte.
	oggSerial    = 0x42454453
	maxComments  = 60 << 10  // these fit on one page
	pageDuration = ClockRate // a page lasts at most a second, as RFC 7845 advises
)

// errClosed is returned by WritePacket after Close.
var errClosed = errors.New("the Ogg file is closed")

// OggWriter writes mono Opus packets as an Ogg Opus file (RFC 7845) with a pre-skip of 0. The
// caller owns w and must call Close, which writes the last page and leaves w open. After an error
// every call returns the same error. Not safe for concurrent use.
type OggWriter struct {
	w io.Writer
	// page is written only when the next packet does not fit, since Close has to mark the last
	// page.
	page    page
	started int64 // granule position of the page's start
	out     []byte
	err     error
}

// NewOggWriter writes the file's headers. Comments have the form "NAME=value".
func NewOggWriter(w io.Writer, comments ...string) (*OggWriter, error) {
	o := &OggWriter{w: w, page: page{serial: oggSerial}}
	head := append([]byte("OpusHead"), 1, 1, 0, 0)           // version 1, one channel, no pre-skip
	head = binary.LittleEndian.AppendUint32(head, ClockRate) // of the input
	head = append(head, 0, 0, 0)                             // no gain, mapping family 0
	tags := appendString([]byte("OpusTags"), "bedside")      // vendor
	tags = binary.LittleEndian.AppendUint32(tags, uint32(len(comments)))
	for _, c := range comments {
		tags = appendString(tags, c)
	}
	if len(tags) > maxComments {
		return nil, fmt.Errorf("write Ogg Opus: %d bytes of comments, at most %d", len(tags),
			maxComments)
	}
	o.page.flags = flagFirst
	o.add(head)
	o.flush()
	o.add(tags)
	o.flush()
	return o, o.err
}

func appendString(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// WritePacket adds a packet, which must last samples48k.
func (o *OggWriter) WritePacket(packet []byte, samples48k int) error {
	if o.err != nil {
		return o.err
	}
	if duration, err := PacketDuration(packet); err != nil {
		return fmt.Errorf("write Ogg Opus: %w", err)
	} else if duration != samples48k {
		return fmt.Errorf("write Ogg Opus: the packet lasts %d samples, not %d", duration,
			samples48k)
	}
	full := o.page.granule-o.started+int64(samples48k) > pageDuration ||
		len(o.page.lacing)+len(packet)/255+1 > pageSegments
	if full && len(o.page.lacing) > 0 {
		o.flush()
	}
	o.add(packet)
	o.page.granule += int64(samples48k)
	return o.err
}

// Close writes the last page.
func (o *OggWriter) Close() error {
	if errors.Is(o.err, errClosed) {
		return nil
	}
	o.page.flags |= flagLast
	o.flush()
	if o.err != nil {
		return o.err
	}
	o.err = errClosed
	return nil
}

// add puts a packet on the page. The caller has made sure that it fits.
func (o *OggWriter) add(packet []byte) {
	o.page.body = append(o.page.body, packet...)
	for n := len(packet); n >= 255; n -= 255 {
		o.page.lacing = append(o.page.lacing, 255)
	}
	o.page.lacing = append(o.page.lacing, byte(len(packet)%255))
}

// flush writes the page and starts the next one.
func (o *OggWriter) flush() {
	if o.err != nil {
		return
	}
	o.out = o.page.append(o.out[:0])
	if _, err := o.w.Write(o.out); err != nil {
		o.err = fmt.Errorf("write Ogg Opus: %w", err)
		return
	}
	o.started = o.page.granule
	o.page.flags = 0
	o.page.sequence++
	o.page.lacing, o.page.body = o.page.lacing[:0], o.page.body[:0]
}
