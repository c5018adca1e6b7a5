package opus

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// recording writes packets as an Ogg file.
func recording(t testing.TB, packets []Packet, comments ...string) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := NewOggWriter(&file, comments...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if err := w.WritePacket(p.Payload, p.Samples); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestRecordingDecodesToTheLiveSamples(t *testing.T) {
	payloads := encode(t, voice(5, ClockRate), EncoderConfig{})
	for name, drop := range map[string]func(int) bool{
		"clean":  func(int) bool { return false },
		"lossy":  func(i int) bool { return i*7919%11 < 2 },
		"bursts": func(i int) bool { return i%60 > 40 },
	} {
		packets := slots(lossy(payloads, drop))
		want, _ := decode(t, packets)
		got, err := ReadAudio(bytes.NewReader(recording(t, packets)), SampleRate, 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		equalSamples(t, want, got)
	}
}

func TestOggRoundTrip(t *testing.T) {
	var packets []Packet
	for i := range 400 {
		size := 1 + i*i%4000
		payload := bytes.Repeat([]byte{byte(i)}, size)
		payload[0] = 15<<3 | 1 // hybrid, two frames of 20 ms
		if size%2 == 0 || size > 2*maxFrameBytes {
			payload = payload[:1+(min(size, 2500)-1)/2*2]
		}
		packets = append(packets, Packet{Payload: payload, Samples: 2 * frame20ms})
	}
	file := recording(t, packets, "TITLE="+strings.Repeat("x", 59<<10))
	r, err := NewOggReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header != (OggHeader{Channels: 1}) {
		t.Errorf("header %+v", r.Header)
	}
	for i, p := range packets {
		got, samples, err := r.Next()
		if err != nil || !bytes.Equal(got, p.Payload) || samples != p.Samples {
			t.Fatalf("packet %d: %d bytes of %d samples, %v; want %d", i, len(got), samples, err,
				len(p.Payload))
		}
	}
	if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last packet: %v", err)
	}
	if r.End() != int64(len(packets)*2*frame20ms) {
		t.Errorf("end %d", r.End())
	}
}

// foreign returns a file as other encoders write it, with a pre-skip, a gain, an end within the
// last packet, and a packet on two pages.
func foreign(t testing.TB, payloads [][]byte, preSkip int, gain byte, end int64) []byte {
	t.Helper()
	file := recording(t, nil)
	pr := newPageReader(bytes.NewReader(file))
	var out []byte
	for range 2 {
		p, err := pr.next()
		if err != nil {
			t.Fatal(err)
		}
		if p.flags == flagFirst {
			p.body[10], p.body[11] = byte(preSkip), byte(preSkip>>8)
			p.body[17] = gain
		}
		out = p.append(out)
	}
	var cur page
	cur.serial, cur.sequence = oggSerial, 2
	granule := int64(0)
	emit := func(g int64, flags byte) {
		cur.granule = g
		cur.flags |= flags
		out = cur.append(out)
		cur = page{serial: oggSerial, sequence: cur.sequence + 1}
	}
	for i, p := range payloads {
		head := append(bytes.Repeat([]byte{255}, len(p)/255), byte(len(p)%255))
		if i == 5 { // a packet that begins on one page and ends on the next
			padded := append([]byte{p[0] | 3, 1 | 64, 254}, p[1:]...)
			padded = append(padded, make([]byte, 254)...)
			p, head = padded, append(bytes.Repeat([]byte{255}, len(padded)/255),
				byte(len(padded)%255))
			cur.lacing, cur.body = append(cur.lacing, head[0]), append(cur.body, p[:255]...)
			emit(granule, 0)
			cur.flags, head, p = flagContinued, head[1:], p[255:]
		}
		cur.lacing, cur.body = append(cur.lacing, head...), append(cur.body, p...)
		granule += frame20ms
		if i%20 == 19 && i+1 < len(payloads) {
			emit(granule, 0)
		}
	}
	emit(end, flagLast)
	return out
}

func TestPreSkipGainAndEndAreRespected(t *testing.T) {
	payloads := encode(t, voice(1, ClockRate), EncoderConfig{})
	plain, _ := decode(t, slots(payloads))
	got, err := ReadAudio(bytes.NewReader(foreign(t, payloads, 312, 0, 47000)), SampleRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	equalSamples(t, plain[104:(47000+2)/3], got)
	// -6 dB
	half, err := ReadAudio(bytes.NewReader(foreign(t, payloads, 0, 0xFA, 48000)), SampleRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := power(half) / power(plain); ratio < 0.25 || ratio > 0.2525 {
		t.Errorf("with a gain of -6 dB the power is %g of the original", ratio)
	}
}

func TestOggTruncatedAtEveryByte(t *testing.T) {
	payloads := encode(t, voice(1.2, ClockRate), EncoderConfig{Bitrate: 6000})
	file := recording(t, slots(payloads))
	whole, err := ReadAudio(bytes.NewReader(file), SampleRate, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := range file {
		got, err := ReadAudio(bytes.NewReader(file[:n]), SampleRate, 0)
		want := ErrTruncated
		if n < 4 {
			want = ErrNotAudio
		}
		if !errors.Is(err, want) {
			t.Fatalf("%d of %d bytes: %v", n, len(file), err)
		}
		if len(got) > len(whole) {
			t.Fatalf("%d of %d bytes decode to %d samples, the whole file to %d", n, len(file),
				len(got), len(whole))
		}
		// The last packet may differ, because the packet after it is missing.
		equalSamples(t, whole[:max(0, len(got)-320)], got[:max(0, len(got)-320)])
	}
}

func TestOggWithEachByteChanged(t *testing.T) {
	file := recording(t, slots(encode(t, voice(0.3, ClockRate), EncoderConfig{Bitrate: 12000})))
	for n := range file {
		bad := bytes.Clone(file)
		bad[n] ^= 0x55
		_, err := ReadAudio(bytes.NewReader(bad), SampleRate, 0)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrTruncated) &&
			!errors.Is(err, ErrNotAudio) && !errors.Is(err, ErrUnsupported) {
			t.Fatalf("byte %d changed: %v", n, err)
		}
	}
}

func TestInvalidOggIsRefused(t *testing.T) {
	payloads := encode(t, voice(0.5, ClockRate), EncoderConfig{})
	file := recording(t, slots(payloads))
	pages := func(keep func(i int, p *page) bool) []byte {
		pr, out := newPageReader(bytes.NewReader(file)), []byte(nil)
		for i := 0; ; i++ {
			p, err := pr.next()
			if err != nil {
				return out
			}
			if keep(i, &p) {
				out = p.append(out)
			}
		}
	}
	for _, c := range []struct {
		name string
		file []byte
		want error
	}{
		{"chained", append(bytes.Clone(file), file...), ErrUnsupported},
		{
			"second stream",
			pages(func(i int, p *page) bool { p.serial += uint32(i); return true }),
			ErrUnsupported,
		},
		{"page missing", pages(func(i int, p *page) bool { return i != 1 }), ErrDamaged},
		{"no start", pages(func(i int, p *page) bool { return i != 0 }), ErrDamaged},
		{
			"no end", pages(func(i int, p *page) bool { p.flags &^= flagLast; return true }),
			ErrTruncated,
		},
		{
			"vorbis", pages(func(i int, p *page) bool { copy(p.body, "\x01vorbis"); return true }),
			ErrUnsupported,
		},
		{
			"future version", pages(func(i int, p *page) bool { p.body[8] = 0x10; return true }),
			ErrUnsupported,
		},
		{"no channels", pages(func(i int, p *page) bool {
			if i == 0 {
				p.body[9] = 0
			}
			return true
		}), ErrDamaged},
		{
			"surround",
			pages(func(i int, p *page) bool { p.body[9], p.body[18] = 6, 1; return true }),
			ErrUnsupported,
		},
		{"packet that is not continued", pages(func(i int, p *page) bool {
			if i == 2 {
				p.flags |= flagContinued
			}
			return true
		}), ErrDamaged},
		{"last packet open", pages(func(i int, p *page) bool {
			if i == 2 {
				p.lacing = append(bytes.Clone(p.lacing), 255)
				p.body = append(bytes.Clone(p.body), make([]byte, 255)...)
			}
			return true
		}), ErrTruncated},
		{"malformed packet", pages(func(i int, p *page) bool {
			if i == 2 {
				p.body[0] |= 3
				p.body[1] = 0
			}
			return true
		}), ErrDamaged},
		{"no tags", pages(func(i int, p *page) bool {
			if i == 1 {
				p.body[4] = 'X'
			}
			return true
		}), ErrDamaged},
		{"no sound", recording(t, nil), ErrNotAudio},
	} {
		if _, err := ReadAudio(bytes.NewReader(c.file), SampleRate, 0); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	long := time.Second / 4
	if _, err := ReadAudio(bytes.NewReader(file), SampleRate, long); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}

// failing is a writer that fails after a number of bytes.
type failing struct{ left int }

var errDisk = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestOggWriterReportsItsErrors(t *testing.T) {
	if _, err := NewOggWriter(&failing{}); !errors.Is(err, errDisk) {
		t.Errorf("header: %v", err)
	}
	w, err := NewOggWriter(&failing{left: 500})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WritePacket([]byte{9 << 3}, 480); err == nil {
		t.Error("a wrong duration is accepted")
	}
	if err := w.WritePacket(nil, 960); !errors.Is(err, ErrMalformed) {
		t.Errorf("empty packet: %v", err)
	}
	for range 200 {
		err = w.WritePacket(append([]byte{9 << 3}, make([]byte, 100)...), 960)
	}
	if !errors.Is(err, errDisk) || !errors.Is(w.Close(), errDisk) {
		t.Errorf("full disk: %v", err)
	}
	if _, err := NewOggWriter(io.Discard, strings.Repeat("x", 65<<10)); err == nil {
		t.Error("endless comments are accepted")
	}
}
