package load

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"bedside/speech/opus"

	"github.com/pion/rtp"
)

func TestConfigIsChecked(t *testing.T) {
	good := Config{
		Rooms: 1, Participants: 2, Duration: time.Second, Packets: [][]byte{{0x78, 1, 2}},
	}
	for name, spoil := range map[string]func(*Config){
		"no rooms":              func(c *Config) { c.Rooms = 0 },
		"a city of rooms":       func(c *Config) { c.Rooms = MaxRooms + 1 },
		"nobody":                func(c *Config) { c.Participants = 0 },
		"too many participants": func(c *Config) { c.Participants = MaxParticipants + 1 },
		"no time":               func(c *Config) { c.Duration = 0 },
		"nothing to say":        func(c *Config) { c.Packets = nil },
		"two frames":            func(c *Config) { c.Packets = [][]byte{{0x79, 1, 2}} },
		"an empty packet":       func(c *Config) { c.Packets = [][]byte{{}} },
		"a packet of DTX":       func(c *Config) { c.Packets = [][]byte{{0x78}} },
		"too many come":         func(c *Config) { c.SignIns = MaxSignIns + 1 },
		"nobody signs in":       func(c *Config) { c.SignIns = 1 },
		"less than no one":      func(c *Config) { c.Participants = -1 },
	} {
		c := good
		spoil(&c)
		if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzStamp(f *testing.F) {
	f.Add([]byte{0x78, 1, 2, 3}, uint32(7), int64(time.Second))
	f.Add([]byte{0x78}, uint32(0), int64(-1))
	f.Add([]byte{}, uint32(0), int64(0))
	f.Fuzz(func(t *testing.T, packet []byte, number uint32, at int64) {
		stamped(packet) // must not panic
		p, ok := stampable(packet)
		if !ok {
			return
		}
		if _, _, ok := stamped(p); ok {
			t.Error("read a stamp before there is one")
		}
		stamp(p, number, time.Duration(at))
		if n, a, ok := stamped(p); !ok || n != number || a != time.Duration(at) {
			t.Errorf("read %d at %v, %v", n, a, ok)
		}
		if p[0]|3 != packet[0]|3 || !bytes.Equal(p[3:len(p)-stampLength], packet[1:]) {
			t.Error("the frame has changed")
		}
	})
}

func TestStampDoesNotChangeTheSound(t *testing.T) {
	encoder, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err1 := opus.NewDecoder()
	padded, err2 := opus.NewDecoder()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, opus.FrameSamples)
	for n := range 50 {
		for i := range pcm {
			pcm[i] = 0.3 * float32(math.Sin(float64(n*len(pcm)+i)/50))
		}
		p, err := encoder.Encode(pcm)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := stampable(p)
		if !ok {
			t.Fatalf("packet %d of the encoder is not one frame", n)
		}
		stamp(s, uint32(n), time.Duration(n))
		want := slices.Clone(plain.Decode(opus.Packet{Payload: p, Samples: opus.FrameSamples}))
		if got := padded.Decode(opus.Packet{
			Payload: s, Samples: opus.FrameSamples,
		}); !slices.Equal(got, want) {
			t.Fatalf("packet %d sounds different", n)
		}
	}
	if c := padded.Counts(); c.Corrupt != 0 || c.Analysed == 0 {
		t.Errorf("%+v", c)
	}
}

func TestHistogram(t *testing.T) {
	var h, other histogram
	if h.quantile(0.5) != 0 || h.times() != (Times{}) {
		t.Error("an empty histogram has values")
	}
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(i*i) * time.Microsecond // up to 100 s
		all = append(all, d)
		if i%2 == 0 {
			h.add(d)
		} else {
			other.add(d)
		}
	}
	h.merge(&other)
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 1} {
		want := all[int(q*float64(len(all)))-1]
		if got := h.quantile(q); got < want || float64(got) > 1.017*float64(want)+1000 {
			t.Errorf("quantile %v is %v; want %v to 1.6 %%", q, got, want)
		}
	}
	h.add(-time.Second)
	h.add(1000 * time.Hour)
	if h.quantile(1) != 1000*time.Hour || h.n != 10_002 {
		t.Errorf("the maximum is %v of %d", h.quantile(1), h.n)
	}
}

func TestHistogramSlotsAreInOrder(t *testing.T) {
	last := -1
	for us := uint64(0); us < 1<<20; us++ {
		s := slot(us)
		if s < last || s > last+1 || top(s) < us {
			t.Fatalf("%d µs is in slot %d after %d, up to %d", us, s, last, top(s))
		}
		last = s
	}
}

// receiverOf returns a receiver that has received packets with these numbers.
func receiverOf(numbers ...uint32) *receiver {
	r := newReceiver(clock{time.Now()})
	for _, n := range numbers {
		p, _ := stampable([]byte{0x78, 1})
		stamp(p, n, 0)
		r.receive("candidate", &rtp.Packet{Payload: p})
	}
	return r
}

func TestReceiverCounts(t *testing.T) {
	for name, c := range map[string]struct {
		numbers                        []uint32
		sent                           uint32
		expected, received, duplicated uint64
	}{
		"everything":              {[]uint32{1, 2, 3}, 3, 3, 3, 0},
		"late to the track":       {[]uint32{4, 5}, 5, 2, 2, 0},
		"a gap":                   {[]uint32{1, 4}, 4, 4, 2, 0},
		"the end is lost":         {[]uint32{1, 2}, 9, 9, 2, 0},
		"twice":                   {[]uint32{1, 2, 2, 1, 3}, 3, 3, 3, 2},
		"out of order at the top": {[]uint32{2, 1, 3}, 3, 3, 3, 0},
		"nothing":                 {nil, 7, 7, 0, 0},
	} {
		expected, received, duplicated := receiverOf(c.numbers...).count("candidate", c.sent)
		if expected != c.expected || received != c.received || duplicated != c.duplicated {
			t.Errorf("%s: expected %d, received %d, duplicated %d; want %+v", name, expected,
				received, duplicated, c)
		}
	}
	r := receiverOf(1)
	r.receive("candidate", &rtp.Packet{Payload: []byte{0x78, 1, 2}}) // without a stamp
	if _, received, _ := r.count("candidate", 1); received != 1 {
		t.Errorf("%d received", received)
	}
}

func TestVoiceRepeatsItsPacketsUntilTheDeadline(t *testing.T) {
	r, err := newRun(Config{
		Rooms: 1, Participants: 1, Duration: time.Second, Packets: [][]byte{{0x78, 1}, {0x78, 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := &voice{clock: r.clock, packets: r.packets, until: time.Hour}
	for n := range uint32(5) {
		p, samples, _, err := v.Next()
		if err != nil || samples != 960 || p[3] != byte(n%2+1) {
			t.Fatalf("packet %d: % x, %d samples, %v", n, p, samples, err)
		}
		v.Stamp(p)
		if number, _, ok := stamped(p); !ok || number != n+1 {
			t.Errorf("packet %d is stamped %d, %v", n, number, ok)
		}
	}
	if _, _, ok := stamped(r.packets[0]); ok {
		t.Error("the shared packet was stamped")
	}
	v.until = 0
	if _, _, _, err := v.Next(); err == nil {
		t.Error("no EOF after the deadline")
	}
}
