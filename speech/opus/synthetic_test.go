package opus

import "testing"

func TestSyntheticVoiceIsPacketsOf20ms(t *testing.T) {
	packets, err := SyntheticVoice()
	if err != nil || len(packets) != 500 {
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	for i, p := range packets {
		if n, err := PacketDuration(p); err != nil || n != FrameSamples || p[0]&3 != 0 {
			t.Fatalf("packet %d: % x: %d samples, %v", i, p[:2], n, err)
		}
	}
}
