package bus

import (
	"testing"

	"bedside/speech/frame"
)

// FuzzDelivery decodes any message of a log: none may crash a worker.
func FuzzDelivery(f *testing.F) {
	f.Add(frame.AudioSubject("a", "candidate"),
		frame.Batch{
			Dropped: 2, Frames: []frame.Frame{{Sequence: 1, Payload: []byte{1}}},
		}.Append(nil))
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
				t.Errorf("%q is decoded as %+v, %v", subject, d, skip)
			}
		case !frame.ValidSpeaker(d.Speaker):
			t.Errorf("%q has the speaker %q", subject, d.Speaker)
		}
	})
}
