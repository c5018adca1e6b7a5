package bus

import (
	"testing"

	"bedside/speech/frame"
)

// FuzzDelivery reads whatever may stand in the log: neither a marker nor audio makes a worker
// fall.
func FuzzDelivery(f *testing.F) {
	f.Add(frame.AudioSubject("a", "candidate"),
		frame.Batch{Dropped: 2, Frames: []frame.Frame{{Sequence: 1, Payload: []byte{1}}}}.Append(nil))
	f.Add(frame.EndSubject("a"), []byte(nil))
	f.Add(frame.EndSubject("a"), []byte("more than nothing"))
	f.Add(frame.AliveSubject("a"), []byte(nil))
	f.Add("audio.a.b.c", []byte{1, 0})
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		d, skip, err := delivery(subject, data)
		switch {
		case err != nil:
		case skip || d.End:
			if d.Speaker != "" || len(d.Batch.Frames) > 0 || skip && d.End {
				t.Errorf("%q gives %+v, %v", subject, d, skip)
			}
		case !frame.ValidSpeaker(d.Speaker):
			t.Errorf("%q is spoken by %q", subject, d.Speaker)
		}
	})
}
