package opus

import (
	"fmt"

	libopus "github.com/hraban/opus"
)

// Decoder decodes the packets of one voice to mono samples. It is one packet behind, so that it
// can rebuild a filler from the FEC of the packet after it. Without FEC it conceals the filler.
// Concealment fades to exact silence within 100 ms, or within one second when background noise
// came before it (an encoder that sends nothing in pauses refreshes the noise every 400 ms). The
// result depends on the payloads only, so a recording decodes to the samples of the live stream.
// Not safe for concurrent use.
type Decoder struct {
	lib    *libopus.Decoder
	rate   int
	held   Packet // decoded when the next packet is known; its payload is in buf
	layout layout // of held; its slices point into buf
	valid  bool   // held is well-formed
	have   bool   // held is set
	buf    []byte
	pcm    []float32

	celt   bool // the last packet decoded was CELT only: libopus then conceals and ignores FEC
	noise  bool // the last packet decoded had no voice activity
	run    int  // samples concealed since the last packet decoded
	counts Counts
}

// NewDecoder returns a decoder whose samples have SampleRate.
func NewDecoder() (*Decoder, error) { return newDecoder(SampleRate) }

// newDecoder returns a decoder for a rate that libopus supports: 8, 12, 16, 24 or 48 kHz.
func newDecoder(rate int) (*Decoder, error) {
	lib, err := libopus.NewDecoder(rate, 1)
	if err != nil {
		return nil, fmt.Errorf("opus decoder at %d Hz: %w", rate, err)
	}
	return &Decoder{lib: lib, rate: rate, pcm: make([]float32, maxDuration*rate/ClockRate)}, nil
}

// Decode takes the next packet and returns the samples of the packet before it. They are valid
// until the next call. The payload is copied. A corrupt packet is concealed and counted; it does
// not end the stream.
func (d *Decoder) Decode(p Packet) []float32 {
	next, err := parse(p.Payload)
	valid := err == nil
	var out []float32
	if d.have {
		var following *layout
		if valid {
			following = &next
		}
		out = d.play(following, p.Payload)
	}
	d.hold(p, valid)
	return out
}

// Flush returns the samples of the last packet. Decode may be called again afterwards.
func (d *Decoder) Flush() []float32 {
	if !d.have {
		return nil
	}
	out := d.play(nil, nil)
	d.have = false
	return out
}

// Counts returns Analysed, Recovered, Concealed and Corrupt so far.
func (d *Decoder) Counts() Counts { return d.counts }

func (d *Decoder) hold(p Packet, valid bool) {
	d.buf = append(d.buf[:0], p.Payload...)
	p.Payload = d.buf
	d.held, d.have, d.valid, d.layout = p, true, valid, layout{}
	if valid {
		d.layout, _ = parse(d.buf) // Decode has checked it
	}
}

// play decodes the held packet. next and payload are those of the packet after it; next is nil if
// there is none.
func (d *Decoder) play(next *layout, payload []byte) []float32 {
	n := d.samples()
	switch {
	case d.valid && !d.layout.silent:
		d.counts.Concealed += d.held.Lost
		if got, err := d.lib.DecodeFloat32(d.held.Payload, d.pcm); err == nil && got == n {
			d.celt, d.noise, d.run = d.layout.celt, !d.layout.voiced(), 0
			d.counts.Analysed++
			return d.pcm[:n]
		}
		d.counts.Corrupt++
	case !d.valid:
		d.counts.Concealed += d.held.Lost
		d.counts.Corrupt++
	case !d.held.Filler:
		d.counts.Concealed += d.held.Lost
		d.counts.Analysed++
	default:
		return d.fill(n, next, payload)
	}
	out, _ := d.conceal(n, next, payload)
	return out
}

// fill conceals a filler and counts the lost frames that it stands for.
func (d *Decoder) fill(n int, next *layout, payload []byte) []float32 {
	out, recovered := d.conceal(n, next, payload)
	if recovered && d.held.Lost > 0 {
		d.counts.Recovered++
		d.counts.Concealed--
	}
	d.counts.Concealed += d.held.Lost
	return out
}

// samples returns the held packet's length at the decoder's rate. A malformed packet has the
// length that the Assembler gave it.
func (d *Decoder) samples() int {
	length := d.layout.duration()
	if !d.valid {
		if length = d.held.Samples; length <= 0 || length > maxDuration || length%tick != 0 {
			length = frame20ms
		}
	}
	return length * d.rate / ClockRate
}

// conceal returns n samples for a packet without data: from the FEC of the next packet if it has
// any, otherwise libopus's continuation of the sound, faded out.
func (d *Decoder) conceal(n int, next *layout, payload []byte) (out []float32, recovered bool) {
	out = d.pcm[:n:n]
	if next != nil && !d.celt && next.hasFEC() && next.frameSize*d.rate/ClockRate <= n {
		if err := d.lib.DecodeFECFloat32(payload, out); err == nil {
			d.run, d.noise = 0, false
			return out, true
		}
	}
	limit, fade := d.rate/10, d.rate/25
	if d.noise {
		limit = d.rate
	}
	if d.run >= limit || d.lib.DecodePLCFloat32(out) != nil {
		clear(out)
	} else if d.run+n > limit-fade {
		for i := range out {
			out[i] *= min(1, max(0, float32(limit-d.run-i)/float32(fade)))
		}
	}
	d.run += n
	return out, false
}
