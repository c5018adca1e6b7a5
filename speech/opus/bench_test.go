package opus

import (
	"io"
	"testing"
)

func BenchmarkDecode20ms(b *testing.B) {
	packets := slots(encode(b, voice(10, ClockRate), EncoderConfig{}))
	benchmarkDecode(b, packets)
}

func BenchmarkDecode20msWithTenPercentLost(b *testing.B) {
	sound := encode(b, voice(10, ClockRate), EncoderConfig{})
	benchmarkDecode(b, slots(lossy(sound, func(i int) bool { return i%10 == 4 })))
}

func benchmarkDecode(b *testing.B, packets []Packet) {
	dec, err := NewDecoder()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		dec.Decode(packets[i%len(packets)])
		i++
	}
}

func BenchmarkEncode20ms(b *testing.B) {
	pcm := voice(10, ClockRate)
	enc, err := NewEncoder(EncoderConfig{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		at := i % 500 * FrameSamples
		if _, err := enc.Encode(pcm[at : at+FrameSamples]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkAssemblerPush(b *testing.B) {
	frames := network{}.send(payloads(50_000))
	a := NewAssembler(epochStart())
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(frames) {
			i, a = 0, NewAssembler(epochStart())
		}
		a.Push(frames[i])
		i++
	}
}

func BenchmarkResampleOneSecond(b *testing.B) {
	pcm := voice(1, 44100)
	r := NewResampler(44100, SampleRate)
	b.ReportAllocs()
	for b.Loop() {
		r.Write(pcm)
	}
}

func BenchmarkOggWrite20ms(b *testing.B) {
	packets := slots(encode(b, voice(2, ClockRate), EncoderConfig{}))
	w, err := NewOggWriter(io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := w.WritePacket(packets[i%100].Payload, frame20ms); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
