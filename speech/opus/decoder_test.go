package opus

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	libopus "github.com/hraban/opus"
)

func TestPacketDurationOfEveryConfiguration(t *testing.T) {
	ms := []float64{
		10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 10, 20, 2.5, 5, 10, 20, 2.5, 5, 10,
		20, 2.5, 5, 10, 20, 2.5, 5, 10, 20,
	}
	for config, want := range ms {
		got, err := PacketDuration([]byte{byte(config << 3), 1, 2})
		if err != nil || got != int(want*48) {
			t.Errorf("configuration %d: %d samples, %v; want %g ms", config, got, err, want)
		}
	}
}

func TestPacketDurationOfFraming(t *testing.T) {
	const toc = 9 << 3 // SILK wideband, 20 ms
	for _, c := range []struct {
		name   string
		packet []byte
		want   int // 0: malformed
	}{
		{"empty", nil, 0},
		{"TOC alone", []byte{toc}, 960},
		{"two equal", []byte{toc | 1, 1, 2}, 1920},
		{"two equal of an odd length", []byte{toc | 1, 1, 2, 3}, 0},
		{"two of coded size", []byte{toc | 2, 1, 7, 8, 9}, 1920},
		{"two of coded size, size missing", []byte{toc | 2}, 0},
		{"two of coded size, size too large", []byte{toc | 2, 9, 1}, 0},
		{"two of coded size, long size cut", []byte{toc | 2, 252}, 0},
		{"many, count missing", []byte{toc | 3}, 0},
		{"many, none", []byte{toc | 3, 0}, 0},
		{"many, 6 of 20 ms", append([]byte{toc | 3, 6}, make([]byte, 12)...), 5760},
		{"many, 7 of 20 ms", append([]byte{toc | 3, 7}, make([]byte, 14)...), 0},
		{"many, unequal", []byte{toc | 3, 2, 1, 2, 3}, 0},
		{"many, padded", []byte{toc | 3, 2 | 64, 1, 1, 2, 0}, 1920},
		{"many, padding too long", []byte{toc | 3, 2 | 64, 9, 1, 2}, 0},
		{"many, padding length cut", []byte{toc | 3, 2 | 64, 255}, 0},
		{"many, coded sizes", []byte{toc | 3, 3 | 128, 1, 2, 1, 2, 2, 3, 3, 3}, 2880},
		{"frame too long", append([]byte{toc}, make([]byte, 1276)...), 0},
	} {
		got, err := PacketDuration(c.packet)
		if got != c.want || (c.want == 0) != errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %d samples, %v; want %d", c.name, got, err, c.want)
		}
	}
}

func TestDecodedSoundHasThePowerOfTheOriginal(t *testing.T) {
	pcm := voice(4, ClockRate)
	got, counts := decode(t, slots(encode(t, pcm, EncoderConfig{})))
	if len(got) != 4*SampleRate {
		t.Fatalf("%d samples of 4 s", len(got))
	}
	if counts != (Counts{Analysed: 200}) {
		t.Errorf("counts %+v", counts)
	}
	ratio := power(got) / power(pcm)
	if ratio < 0.7 || ratio > 1.3 {
		t.Errorf("decoded power is %g of the original's", ratio)
	}
}

// lossy drops every packet for which drop returns true.
func lossy(packets [][]byte, drop func(i int) bool) [][]byte {
	out := append([][]byte(nil), packets...)
	for i := range out {
		if drop(i) {
			out[i] = nil
		}
	}
	return out
}

func TestIsolatedLossesAreRebuiltFromFEC(t *testing.T) {
	pcm := voice(6, ClockRate)
	drop := func(i int) bool { return i%10 == 4 }
	withFEC := encode(t, pcm, EncoderConfig{LossPercent: 20})
	without := encode(t, pcm, EncoderConfig{NoFEC: true})
	clean, _ := decode(t, slots(withFEC))
	repaired, counts := decode(t, slots(lossy(withFEC, drop)))
	if len(repaired) != len(clean) {
		t.Fatalf("%d samples with losses, %d without", len(repaired), len(clean))
	}
	if counts.Recovered+counts.Concealed != 30 || counts.Recovered < 20 || counts.Analysed != 270 {
		t.Errorf("counts %+v of 300 packets with 30 lost", counts)
	}
	cleanPLC, _ := decode(t, slots(without))
	concealed, plc := decode(t, slots(lossy(without, drop)))
	if plc.Recovered != 0 || plc.Concealed != 30 {
		t.Errorf("without FEC: %+v", plc)
	}
	fecSNR, plcSNR := snr(clean, repaired), snr(cleanPLC, concealed)
	t.Logf(
		"10 %% loss: SNR %.1f dB with FEC (%d of 30 recovered), %.1f dB with concealment only",
		fecSNR, counts.Recovered, plcSNR)
	if fecSNR < plcSNR+3 {
		t.Errorf("SNR %.1f dB with FEC, %.1f dB with concealment only", fecSNR, plcSNR)
	}
}

func TestConcealmentFadesToExactSilence(t *testing.T) {
	packets := encode(t, voice(2, ClockRate), EncoderConfig{})
	for i := 60; i < 90; i++ { // in the middle of speech
		packets[i] = nil
	}
	got, _ := decode(t, slots(packets))
	if power(got[60*320:62*320]) == 0 {
		t.Error("the start of the gap is not concealed")
	}
	// From 120 ms on. The last packet of the gap may be rebuilt from FEC.
	for i, v := range got[66*320 : 89*320] {
		if v != 0 {
			t.Fatalf("sample %d of the gap is %g", i, v)
		}
	}
	if power(got[92*320:]) == 0 {
		t.Error("nothing after the gap")
	}
}

func TestUnsentPausesKeepBackgroundNoise(t *testing.T) {
	pcm := voice(6, ClockRate)
	noise := rand.New(rand.NewPCG(1, 1))
	for i := range pcm {
		if i > 2*ClockRate {
			pcm[i] = 0 // only noise after two seconds of speech
		}
		pcm[i] += float32(0.003 * noise.NormFloat64())
	}
	packets := encode(t, pcm, EncoderConfig{DTX: true})
	unsent := 0
	for i, p := range packets {
		if len(p) <= 2 {
			packets[i] = nil
			unsent++
		}
	}
	if unsent < 100 {
		t.Fatalf("the encoder omits only %d of 200 packets in the pause", unsent)
	}
	got, _ := decode(t, slots(packets))
	for i := 150; i < 300; i++ {
		if db := 10 * math.Log10(power(got[i*320:(i+1)*320])); db < -70 || db > -40 {
			t.Fatalf("%.0f dB at %d ms: the noise is not kept", db, i*20)
		}
	}
	gone := append(packets, make([][]byte, 100)...) // then nothing arrives any more
	got, _ = decode(t, slots(gone))
	if p := power(got[len(got)-40*320:]); p != 0 {
		t.Errorf("power %g long after the last packet", p)
	}
}

func TestSilenceBeforeTheFirstPacketIsExact(t *testing.T) {
	got, _ := decode(t,
		slots(append(make([][]byte, 9), encode(t, voice(0.5, ClockRate), EncoderConfig{})...)))
	if p := power(got[:8*320]); p != 0 {
		t.Errorf("power %g before the first packet", p)
	}
}

func TestCorruptPacketsAreConcealedAndCounted(t *testing.T) {
	payloads := encode(t, voice(1, ClockRate), EncoderConfig{})
	packets := slots(payloads)
	packets[10].Payload = nil
	packets[20].Payload = []byte{9<<3 | 3, 0}
	packets[30].Payload = []byte{9<<3 | 1, 1, 2, 3}
	packets[30].Samples = 7 // no valid duration: it counts as 20 ms
	got, counts := decode(t, packets)
	if len(got) != SampleRate || counts.Corrupt != 3 || counts.Analysed != 47 {
		t.Errorf("%d samples, %+v", len(got), counts)
	}
}

func TestDecodeCopiesThePayload(t *testing.T) {
	payloads := encode(t, voice(1, ClockRate), EncoderConfig{})
	want, _ := decode(t, slots(payloads))
	dec, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	var got []float32
	shared := make([]byte, 1500)
	for _, p := range payloads {
		n := copy(shared, p)
		got = append(got, dec.Decode(Packet{Payload: shared[:n:n], Samples: frame20ms})...)
		clear(shared)
	}
	equalSamples(t, want, append(got, dec.Flush()...))
}

func TestEncoderRefusesInvalidInput(t *testing.T) {
	for _, cfg := range []EncoderConfig{
		{Bitrate: 1}, {Complexity: 11}, {LossPercent: 99}, {Bitrate: -5},
	} {
		if _, err := NewEncoder(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	enc, err := NewEncoder(EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enc.Encode(make([]float32, 959)); err == nil {
		t.Error("959 samples are accepted")
	}
	if _, err := enc.EncodeInt16(make([]int16, 961)); err == nil {
		t.Error("961 samples are accepted")
	}
	if p, err := enc.EncodeInt16(make([]int16, 960)); err != nil || len(p) == 0 {
		t.Errorf("960 samples give %d bytes, %v", len(p), err)
	}
}

func TestFECIsDetectedForAllFrameSizesAndChannels(t *testing.T) {
	pcm := voice(6, ClockRate)
	stereo := make([]float32, 2*len(pcm))
	for i, v := range pcm {
		stereo[2*i], stereo[2*i+1] = v, v*0.5
	}
	for _, c := range []struct{ channels, ms int }{
		{1, 10}, {1, 20}, {1, 40}, {1, 60}, {2, 10}, {2, 20}, {2, 40}, {2, 60},
	} {
		enc, err := libopus.NewEncoder(ClockRate, c.channels, libopus.AppVoIP)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(enc.SetInBandFEC(true), enc.SetPacketLossPerc(25),
			enc.SetBitrate(24000*c.channels), enc.SetMaxBandwidth(libopus.Wideband)); err != nil {
			t.Fatal(err)
		}
		samples, sound := c.ms*48, pcm
		if c.channels == 2 {
			sound = stereo
		}
		var clean, broken []Packet
		var ends []int // of lost packets whose successor has FEC, in decoded samples
		for i := 0; (i+1)*samples <= len(pcm); i++ {
			buf := make([]byte, 1500)
			n, err := enc.EncodeFloat32(sound[i*samples*c.channels:(i+1)*samples*c.channels], buf)
			if err != nil {
				t.Fatal(err)
			}
			l, err := parse(buf[:n])
			if err != nil {
				t.Fatal(err)
			}
			p := Packet{Payload: buf[:n], Samples: samples}
			clean = append(clean, p)
			if i%5 == 4 && l.hasFEC() {
				ends = append(ends, i*samples/3)
			}
			if i%5 != 3 {
				broken = append(broken, p)
				continue
			}
			if l.celt || l.frames != 1 {
				t.Fatalf("%d channels, %d ms: not coded in one frame of SILK", c.channels, c.ms)
			}
			broken = append(broken, Packet{
				Payload: []byte{buf[0] &^ 3}, Samples: samples, Filler: true, Lost: 1,
			})
		}
		want, _ := decode(t, clean)
		got, counts := decode(t, broken)
		rebuilt, concealed := 0, 0
		// A packet rebuilt from FEC resembles the original more than a concealed one.
		for _, end := range ends {
			begin := end - samples/3
			if snr(want[begin:end], got[begin:end]) > 3 {
				rebuilt++
			} else {
				concealed++
			}
		}
		if counts.Recovered != len(ends) || rebuilt < 10 || rebuilt < 3*concealed {
			t.Errorf("%d channels, %d ms: %d slots rebuilt, %d not: %+v", c.channels, c.ms,
				rebuilt, concealed, counts)
		}
	}
}
