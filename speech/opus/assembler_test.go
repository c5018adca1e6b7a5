package opus

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"bedside/speech/frame"
)

// epochStart returns the start of the time lines of these tests.
func epochStart() time.Time { return time.UnixMicro(1_700_000_000_000_000) }

// network turns payloads into frames, one every 20 ms. The fields are those of the first frame.
type network struct {
	epoch uint16
	seq   uint16
	ts    uint32
	at    time.Duration // arrival on the time line
}

func (n network) send(payloads [][]byte) []frame.Frame {
	frames := make([]frame.Frame, len(payloads))
	for i, p := range payloads {
		frames[i] = frame.Frame{
			Epoch: n.epoch, Sequence: n.seq + uint16(i), Timestamp: n.ts + uint32(i)*frame20ms,
			Arrival: epochStart().UnixMicro() +
				(n.at + time.Duration(i)*20*time.Millisecond).Microseconds(), Payload: p,
		}
	}
	return frames
}

// payloads returns n valid packets, all different.
func payloads(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = []byte{9 << 3, byte(i), byte(i >> 8), 1, 2, 3}
	}
	return out
}

// assemble pushes all frames, and checks that the packets follow one another without a hole and
// that the counts add up.
func assemble(t testing.TB, frames []frame.Frame) ([]Packet, Counts) {
	t.Helper()
	a := NewAssembler(epochStart())
	var packets []Packet
	for _, f := range frames {
		packets = append(packets, a.Push(f)...)
	}
	packets = append(packets, a.Flush()...)
	var at int64
	lost := 0
	for i, p := range packets {
		duration, err := PacketDuration(p.Payload)
		if p.Start != at || err != nil || duration != p.Samples {
			t.Fatalf("packet %d: %+v at %d: %v", i, p, at, err)
		}
		at += int64(p.Samples)
		lost += p.Lost
	}
	c := a.Counts()
	if c.Received != len(frames) || c.Lost != lost ||
		c.Received != received(packets)+c.Duplicated+c.Late+c.Corrupt {
		t.Fatalf("%d frames, %d packets received, %d lost: %+v", len(frames), received(packets),
			lost, c)
	}
	return packets, c
}

func received(packets []Packet) (n int) {
	for _, p := range packets {
		if !p.Filler {
			n++
		}
	}
	return n
}

// starts returns the starts of received packets, in ms.
func starts(packets []Packet) (ms []float64) {
	for _, p := range packets {
		if !p.Filler {
			ms = append(ms, float64(p.Start)/48)
		}
	}
	return ms
}

func without(frames []frame.Frame, drop ...int) []frame.Frame {
	var out []frame.Frame
	for i, f := range frames {
		if !slices.Contains(drop, i) {
			out = append(out, f)
		}
	}
	return out
}

func TestCleanStreamIsContinuous(t *testing.T) {
	frames := network{at: time.Second, seq: 100, ts: 5000}.send(payloads(200))
	packets, c := assemble(t, frames)
	if c != (Counts{Received: 200}) || received(packets) != 200 {
		t.Errorf("%d packets, %+v", received(packets), c)
	}
	if got := starts(packets); got[0] != 1000 || got[199] != 1000+199*20 {
		t.Errorf("from %g to %g ms", got[0], got[199])
	}
}

func TestSequenceNumbersAndTimestampsWrapAround(t *testing.T) {
	frames := network{seq: 65500, ts: math.MaxUint32 - 40*frame20ms}.send(payloads(200))
	packets, c := assemble(t, without(frames, 36, 41))
	if c != (Counts{Received: 198, Lost: 2}) || received(packets) != 198 || len(packets) != 200 {
		t.Errorf("%d packets, %+v", len(packets), c)
	}
}

func TestReorderedDuplicatedAndLate(t *testing.T) {
	frames := network{}.send(payloads(300))
	want, _ := assemble(t, frames)
	mixed := slices.Clone(frames)
	for i := 0; i+20 < len(mixed); i += 20 { // the frames that place the stream too
		mixed[i], mixed[i+7] = mixed[i+7], mixed[i]
	}
	for i := range mixed { // frames arrive in the order in which they are sent
		mixed[i].Arrival = frames[i].Arrival
	}
	got, c := assemble(t, mixed)
	if c != (Counts{Received: 300}) || len(got) < len(want) || len(got) > len(want)+9 {
		t.Errorf("reordered: %d packets, %+v", len(got), c)
	}
	doubled := slices.Concat(frames[:100], frames[50:200], frames[190:])
	got, c = assemble(t, doubled)
	if c != (Counts{Received: 360, Duplicated: 60}) || !reflect.DeepEqual(got, want) {
		t.Errorf("doubled: %d packets, %+v", len(got), c)
	}
	tooLate := slices.Concat(frames[:100], frames[101:200], frames[100:101], frames[100:101],
		frames[200:])
	_, c = assemble(t, tooLate)
	if c != (Counts{Received: 301, Lost: 1, Late: 1, Duplicated: 1}) {
		t.Errorf("too late: %+v", c)
	}
	justInTime := slices.Concat(frames[:100], frames[101:120], frames[100:101], frames[120:])
	got, c = assemble(t, justInTime)
	if c != (Counts{Received: 300}) || !reflect.DeepEqual(got, want) {
		t.Errorf("just in time: %+v", c)
	}
}

func TestGapInTimeAloneIsNotALoss(t *testing.T) {
	frames := network{}.send(payloads(300))
	packets, c := assemble(t, without(frames, 100, 150, 151, 152))
	if c.Lost != 4 || len(packets) != 300 || packets[100].Lost != 1 || !packets[100].Filler ||
		packets[152].Lost != 1 {
		t.Errorf("loss: %d packets, %+v", len(packets), c)
	}
	paused := slices.Clone(frames)
	for i := range paused[100:] { // the encoder sends nothing for 400 ms
		paused[100+i].Timestamp += 20 * frame20ms
		paused[100+i].Arrival += 400_000
	}
	packets, c = assemble(t, paused)
	if c != (Counts{Received: 300}) || len(packets) != 320 || packets[100].Lost != 0 ||
		!packets[100].Filler {
		t.Errorf("pause: %d packets, %+v", len(packets), c)
	}
	packets, c = assemble(t, without(paused, 99, 100)) // losses around a pause
	if c.Lost != 2 || len(packets) != 320 || packets[119].Lost != 1 || packets[120].Lost != 1 ||
		packets[99].Lost != 0 {
		t.Errorf("pause with losses: %d packets, %+v", len(packets), c)
	}
}

func TestLostFrameHasTheDurationOfTheNextPacket(t *testing.T) {
	// 10, 40, 60, 20, 2.5, 20 ms
	for _, toc := range []byte{8 << 3, 10 << 3, 11 << 3, 13<<3 | 4, 16 << 3, 31 << 3} {
		step := frameSize(toc)
		var frames []frame.Frame
		for i := range 200 {
			at := (i*step + 1080) * 1000 / 48
			frames = append(frames, frame.Frame{
				Sequence: uint16(i), Timestamp: uint32(i * step),
				Arrival: epochStart().UnixMicro() + int64(at), Payload: []byte{toc, 1, 2},
			})
		}
		packets, c := assemble(t, without(frames, 120))
		if c.Lost != 1 || received(packets) != 199 {
			t.Errorf("%d samples a packet: %d received, %+v", step, received(packets), c)
		}
		if got := starts(packets); got[0] != 22.5 || got[198] != 22.5+float64(199*step)/48 {
			t.Errorf("%d samples a packet: from %g to %g ms", step, got[0], got[198])
		}
		i := slices.IndexFunc(packets, func(p Packet) bool { return p.Lost > 0 })
		if next := packets[i+1]; next.Filler || packets[i].Samples != step {
			t.Errorf("%d samples a packet: the lost one is followed by %+v", step, next)
		}
	}
}

func TestEpochsArePlacedByArrival(t *testing.T) {
	// 0 to 3 s
	first := network{epoch: 1, seq: 7, ts: 1 << 30}.send(payloads(150))
	// 5 to 7 s
	second := network{epoch: 2, seq: 60000, ts: 12, at: 5 * time.Second}.send(payloads(100))
	stray := first[149]
	packets, c := assemble(t,
		slices.Concat(first[:149], second[:3], []frame.Frame{stray}, second[3:]))
	if c != (Counts{Received: 250, Late: 1, Unplaced: 1}) {
		t.Errorf("%+v", c)
	}
	if got := starts(packets); got[148] != 2960 || got[149] != 5000 || got[248] != 5000+99*20 {
		t.Errorf("ends at %g, goes on at %g, to %g ms", got[148], got[149], got[248])
	}
	// The epochs overlap by 100 ms. No packet is cut.
	overlap := network{epoch: 2, at: 2900 * time.Millisecond}.send(payloads(60))
	packets, c = assemble(t, slices.Concat(first, overlap))
	if c != (Counts{Received: 210}) || starts(packets)[150] != 3000 {
		t.Errorf("overlap: %+v", c)
	}
}

func TestFlushPlacesShortEpoch(t *testing.T) {
	packets, c := assemble(t, network{at: 2 * time.Second}.send(payloads(3)))
	if c != (Counts{Received: 3}) || !slices.Equal(starts(packets), []float64{2000, 2020, 2040}) {
		t.Errorf("%v, %+v", starts(packets), c)
	}
}

func TestLeastDelayedFramePlacesTheStream(t *testing.T) {
	frames := network{at: time.Second}.send(payloads(100))
	for i := range frames {
		if i != 20 {
			frames[i].Arrival += int64(10_000 + i*577%30_000)
		}
	}
	packets, _ := assemble(t, frames)
	if got := starts(packets)[0]; got != 1000 {
		t.Errorf("begins at %g ms, want 1000", got)
	}
}

func TestStalledSourceLeavesAGap(t *testing.T) {
	frames := network{}.send(payloads(400))
	for i := range frames[100:] { // timestamps continue as if no time had passed
		frames[100+i].Arrival += 8_000_000
	}
	packets, c := assemble(t, frames)
	got := starts(packets)
	if c != (Counts{Received: 400}) || math.Abs(got[399]-(399*20+8000)) > 100 {
		t.Errorf("the last packet is at %g ms: %+v", got[399], c)
	}
}

func TestSlowNetworkLeavesNoGap(t *testing.T) {
	frames := network{}.send(payloads(400))
	want, _ := assemble(t, frames)
	for i := range frames[100:250] { // three seconds arrive at once
		frames[100+i].Arrival = frames[250].Arrival + int64(i)
	}
	got, c := assemble(t, frames)
	if c != (Counts{Received: 400}) || !reflect.DeepEqual(got, want) {
		t.Errorf("%d packets, want %d: %+v", len(got), len(want), c)
	}
}

func TestImpossibleTimestampsAddNoTime(t *testing.T) {
	frames := network{}.send(payloads(300))
	hour := uint32(3600) * ClockRate
	jump := slices.Clone(frames)
	jump[100].Timestamp += hour
	packets, c := assemble(t, jump)
	if c != (Counts{Received: 300, Corrupt: 1, Lost: 1}) || len(packets) != 300 {
		t.Errorf("one frame an hour ahead: %d packets, %+v", len(packets), c)
	}
	for i := range jump[100:] {
		jump[100+i].Timestamp = frames[100+i].Timestamp + hour
	}
	packets, c = assemble(t, jump)
	if c != (Counts{Received: 300}) || len(packets) > 305 {
		t.Errorf("all an hour ahead: %d packets, %+v", len(packets), c)
	}
	for i := range jump[100:] {
		jump[100+i].Timestamp = frames[100+i].Timestamp - hour
		jump[100+i].Sequence = frames[100+i].Sequence + 30000
	}
	packets, c = assemble(t, jump)
	if c != (Counts{Received: 300}) || len(packets) > 305 {
		t.Errorf("numbers start again: %d packets, %+v", len(packets), c)
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range jump {
		jump[i].Timestamp, jump[i].Sequence = rnd.Uint32(), uint16(rnd.Uint32())
	}
	if packets, c = assemble(t, jump); len(packets) > 700 {
		t.Errorf("random numbers: %d packets, %+v", len(packets), c)
	}
	for i := range jump { // packets whose TOC declares a longer time than their timestamps
		jump[i] = frames[i]
		jump[i].Payload = append([]byte{9<<3 | 3, 6}, make([]byte, 60)...)
	}
	if packets, c = assemble(t, jump); packets[len(packets)-1].Start > 11*ClockRate {
		t.Errorf("overlong packets reach %d s: %+v", packets[len(packets)-1].Start/ClockRate, c)
	}
}

func TestMalformedFramesAreCorruptNotLost(t *testing.T) {
	frames := network{}.send(payloads(200))
	frames[0].Payload = []byte{3}
	frames[20].Payload = []byte{3}
	frames[100].Payload = []byte{3}
	frames[101].Payload = []byte{9<<3 | 3}
	packets, c := assemble(t, frames)
	if c != (Counts{Received: 200, Corrupt: 4}) || received(packets) != 196 {
		t.Errorf("%d received, %+v", received(packets), c)
	}
}

func TestPaddingIsNeitherCountedNorMissed(t *testing.T) {
	frames := network{seq: 65520, ts: 5}.send(payloads(200))
	for _, i := range []int{10, 11, 12, 90, 199} { // a sender's clock stands still meanwhile
		frames[i].Payload = nil
		for k := i; k < len(frames); k++ {
			frames[k].Timestamp -= frame20ms
		}
	}
	frames[100], frames[101] = frames[101], frames[100]
	a := NewAssembler(epochStart())
	a.Push(frame.Frame{Epoch: 0, Sequence: 1, Arrival: epochStart().UnixMicro()})
	n := 0
	for _, f := range frames {
		n += received(a.Push(f))
	}
	n += received(a.Flush())
	if c := a.Counts(); c != (Counts{Received: 195}) || n != 195 {
		t.Errorf("%d packets, %+v", n, c)
	}
}

func TestArrivalBoundsTheTimeLine(t *testing.T) {
	frames := network{}.send(payloads(120))
	frames[60].Arrival = math.MaxInt64
	frames[61].Arrival = math.MinInt64
	for i := range frames[62:] {
		// On the time line, but past its end with the frames after them.
		frames[62+i].Timestamp += 7000 * ClockRate
		frames[62+i].Arrival = math.MaxInt64
	}
	frames[119].Timestamp += 300 * ClockRate
	packets, c := assemble(t, frames)
	if end := packets[len(packets)-1]; end.Start > timelineEnd || c.Corrupt == 0 {
		t.Errorf("the last packet is at %d s: %+v", end.Start/ClockRate, c)
	}
}

func TestFlushToFillsTheTimeLine(t *testing.T) {
	a := NewAssembler(epochStart())
	for _, f := range (network{at: time.Second}).send(payloads(60)) {
		a.Push(f)
	}
	a.FlushTo(5*time.Second + time.Millisecond)
	if a.Duration() != 5*time.Second {
		t.Errorf("ends at %s", a.Duration())
	}
	silent := NewAssembler(epochStart())
	packets := silent.FlushTo(time.Second)
	if len(packets) != 50 || silent.Duration() != time.Second || len(silent.FlushTo(0)) != 0 {
		t.Errorf("%d packets of nothing", len(packets))
	}
	for _, p := range packets {
		if d, err := PacketDuration(p.Payload); err != nil || d != p.Samples {
			t.Fatalf("%+v: %v", p, err)
		}
	}
	if silent.FlushTo(1000 * time.Hour); silent.Duration() != MaxTimeline {
		t.Errorf("ends at %s", silent.Duration())
	}
}

func TestResultDoesNotDependOnBatches(t *testing.T) {
	frames := slices.Concat(network{}.send(payloads(400)),
		network{epoch: 1, at: 9 * time.Second}.send(payloads(100)))
	frames = without(frames, 3, 77, 78, 79, 410)
	want, counts := assemble(t, frames)
	// As a worker uses it: it reads the counts and keeps packets between two batches.
	for _, batch := range []int{2, 9, 100} {
		a := NewAssembler(epochStart())
		var got []Packet
		for part := range slices.Chunk(frames, batch) {
			for _, f := range part {
				got = append(got, a.Push(f)...)
			}
			a.Counts()
			a.Duration()
		}
		if got = append(got, a.Flush()...); !reflect.DeepEqual(got, want) || a.Counts() != counts {
			t.Errorf("batches of %d: %d packets, want %d", batch, len(got), len(want))
		}
	}
}

func TestLiveAndRecordedSamplesAreEqual(t *testing.T) {
	for name, cfg := range map[string]EncoderConfig{
		"plain": {}, "with pauses unsent": {DTX: true},
	} {
		sound := encode(t, voice(12, ClockRate), cfg)
		frames := network{
			seq: 65400, ts: math.MaxUint32 - 9000, at: 500 * time.Millisecond,
		}.send(sound)
		second := network{epoch: 1, at: 15 * time.Second}.send(sound)
		rnd := rand.New(rand.NewPCG(5, 6))
		var sent []frame.Frame
		unsent := uint16(0)
		for _, f := range slices.Concat(frames, second) {
			// The encoder need not send these; the next packet has the next number.
			if len(f.Payload) <= 2 {
				unsent++
				continue
			}
			f.Sequence -= unsent
			if rnd.IntN(100) >= 8 {
				sent = append(sent, f)
			}
			if rnd.IntN(100) < 3 {
				sent = append(sent, f)
			}
		}
		for i := 1; i < len(sent); i++ {
			if rnd.IntN(100) < 5 {
				sent[i-1], sent[i] = sent[i], sent[i-1]
			}
		}
		packets, counts := assemble(t, sent)
		live, decoded := decode(t, packets)
		got, err := ReadAudio(bytes.NewReader(recording(t, packets)), SampleRate, 0)
		if err != nil {
			t.Fatal(err)
		}
		equalSamples(t, live, got)
		if c := counts.Add(decoded); c.Received != c.Analysed+c.Duplicated+c.Late+c.Corrupt ||
			c.Lost != c.Recovered+c.Concealed || c.Recovered == 0 || cfg.DTX != (unsent > 0) {
			t.Errorf("%s: %+v", name, c)
		} else {
			t.Logf("%s: %d unsent, %+v", name, unsent, c)
		}
	}
}
