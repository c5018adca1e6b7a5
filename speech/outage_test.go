package speech

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// shift returns a log that is a new epoch, later by some seconds.
func shift(log []frame.Delivery, epoch uint16, by float64) []frame.Delivery {
	var later []frame.Delivery
	for _, d := range log {
		frames := make([]frame.Frame, len(d.Batch.Frames))
		for i, f := range d.Batch.Frames {
			f.Epoch, f.Arrival = epoch, f.Arrival+int64(by*1e6)
			frames[i] = f
		}
		later = append(later, frame.Delivery{
			Speaker: d.Speaker, Batch: frame.Batch{Frames: frames},
		})
	}
	return later
}

func events(list ...event.Event) frame.Delivery { return frame.Delivery{Events: list} }

func changed(who store.Speaker, cause store.Cause, on bool, seconds float64) event.Event {
	return event.Changed{At: at(seconds), Speaker: string(who), Cause: string(cause), On: on}
}

// reportOf analyses a log and returns the report.
func reportOf(t *testing.T, log ...[]frame.Delivery) (r store.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &claim{id: "one"}
		for _, part := range log {
			c.log = append(c.log, part...)
		}
		q, d := newQueue(c), newFakeStore()
		work(t, q, d, 1)
		if len(d.reports) != 1 {
			t.Fatalf("%d reports, ended %q", len(d.reports), q.ended)
		}
		r = d.reports[0]
		for _, s := range r.Speakers {
			if f := s.Frames; f.Sent != f.Analysed+f.Concealed+f.Lost {
				t.Errorf("%s: frames %+v do not add up", s.Speaker, f)
			}
		}
	})
	return r
}

// Each outage takes three seconds out of the middle of eight seconds of speech. Its report must
// measure what a play without the outage measures, but for the time that is missing.
func TestReportLeavesOutagesOut(t *testing.T) {
	const who = store.SpeakerCandidate
	opened := events(event.Opened{At: at(0)})
	first, second := speech(t, who, 4), shift(speech(t, who, 4), 9, 7)
	whole := reportOf(t, []frame.Delivery{opened}, speech(t, who, 8)).Speakers[0]
	long := speech(t, who, 11)
	dropped := append([]frame.Delivery{}, long[70:]...)
	dropped[0].Batch.Dropped = 150
	damaged := append([]frame.Delivery{}, long[70:]...)
	damaged[0].Missing = true
	for name, tc := range map[string]struct {
		log   []frame.Delivery
		cause store.Cause
		sent  int
		lost  int
		play  float64 // time in which the clock ran
	}{
		"the media server restarts": {
			append(append(append([]frame.Delivery{opened}, first...),
				events(event.Opened{At: at(6.9)})), second...),
			store.CauseServerRestarted, 400, 0, 8,
		},
		"the play moves, after a second without a frame": {
			append(append(append([]frame.Delivery{opened}, first[:39]...),
				events(event.Moved{At: at(5)}), first[39]),
				append([]frame.Delivery{events(event.Opened{At: at(6.9)})}, second...)...),
			store.CauseServerRestarted, 400, 0, 9,
		},
		"and the client has counted what it sent": {
			append(append(append([]frame.Delivery{
				opened, events(event.Stream{Speaker: string(who), SSRC: 5}),
			}, first...), events(event.Opened{At: at(6.9)},
				event.Sent{Speaker: string(who), SSRC: 5, Packets: 340})), second...),
			store.CauseServerRestarted, 540, 140, 8,
		},
		"and a sender report has counted for a browser that crashed": {
			append(append(append([]frame.Delivery{
				opened, events(event.Stream{Speaker: string(who), SSRC: 5}),
			}, first...), events(event.Opened{At: at(6.9)}, event.Sent{
				Speaker: string(who), SSRC: 5, Packets: 340, Origin: event.OriginReport,
			})), second...),
			store.CauseServerRestarted, 540, 140, 8,
		},
		"the connection is lost, and noticed late": {
			append(append(append([]frame.Delivery{opened}, first...),
				events(changed(who, store.CauseConnectionLost, true, 6),
					changed(who, store.CauseClockStopped, true, 6),
					changed(who, store.CauseConnectionLost, false, 6.5),
					changed(who, store.CauseClockStopped, false, 6.5))), second...),
			store.CauseConnectionLost, 400, 0, 10.5,
		},
		"frames are lost, and nobody notices": {
			append(append([]frame.Delivery{opened}, long[:40]...), long[70:]...),
			store.CauseConnectionLost, 550, 150, 11,
		},
		"the log does not keep up": {
			append(append([]frame.Delivery{opened}, long[:40]...), dropped...),
			store.CauseStorage, 550, 150, 11,
		},
		"messages are missing from the log": {
			append(append([]frame.Delivery{opened}, long[:40]...), damaged...),
			store.CauseStorage, 550, 150, 11,
		},
		"a heartbeat shows that messages are missing from the log": {
			append(append(append([]frame.Delivery{opened}, long[:40]...), frame.Delivery{
				Events: []event.Event{event.Alive{At: at(6.9)}}, Missing: true,
			}), long[70:]...),
			store.CauseStorage, 550, 150, 11,
		},
		"the microphone is muted": {
			append(append([]frame.Delivery{opened, events(
				changed(who, store.CauseMuted, true, 4), changed(who, store.CauseMuted, false, 7),
			)}, long[:40]...), long[40:]...),
			store.CauseMuted, 550, 0, 11,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := reportOf(t, tc.log)
			s := r.Speakers[0]
			want := []store.Interruption{{FromS: 4, ToS: 7, Cause: tc.cause}}
			if diff := cmp.Diff(want, s.Interruptions, cmpopts.EquateApprox(0, 0.03)); diff != "" {
				t.Errorf("interruptions: -want +got:\n%s", diff)
			}
			if s.Frames.Sent != tc.sent || s.Frames.Lost != tc.lost {
				t.Errorf("frames %+v, want %d sent and %d lost", s.Frames, tc.sent, tc.lost)
			}
			if math.Abs(r.PlayS-tc.play) > 0.1 {
				t.Errorf("the clock ran for %.2f s, want %.2f s", r.PlayS, tc.play)
			}
			got, want2 := s.Analysis.Measures, whole.Analysis.Measures
			if math.Abs(*got.PhonationTimeRatio-*want2.PhonationTimeRatio) > 0.03 ||
				math.Abs(got.PhonationTimeS-want2.PhonationTimeS) > 0.4 ||
				got.PauseTotalS > want2.PauseTotalS+0.1 {
				t.Errorf("phonation %.2f s, ratio %.3f, pauses of %.2f s; without the outage "+
					"%.2f s, %.3f, %.2f s", got.PhonationTimeS, *got.PhonationTimeRatio,
					got.PauseTotalS, want2.PhonationTimeS, *want2.PhonationTimeRatio,
					want2.PauseTotalS)
			}
			if got.PauseCount != len(s.Analysis.Pauses) {
				t.Errorf("%d pauses, %d in the list", got.PauseCount, len(s.Analysis.Pauses))
			}
		})
	}
}

// The streams of NATS are deleted under a play: the log begins in its middle, and nothing says
// which RTP stream its frames belong to.
func TestReportNamesALostBeginning(t *testing.T) {
	const who = store.SpeakerCandidate
	count := events(event.Sent{Speaker: string(who), SSRC: 5, Packets: 550})
	for name, first := range map[string][]frame.Delivery{
		"frames first": nil, "an event without a time first": {count},
	} {
		t.Run(name, func(t *testing.T) {
			log := append(slices.Clone(first), speech(t, who, 11)[40:]...)
			log[0].Missing = true
			s := reportOf(t, append(log, count)).Speakers[0]
			want := []store.Interruption{{ToS: 4, Cause: store.CauseStorage}}
			if diff := cmp.Diff(want, s.Interruptions, cmpopts.EquateApprox(0, 0.03)); diff != "" {
				t.Errorf("interruptions: -want +got:\n%s", diff)
			}
			if f := s.Frames; f.Sent != 550 || f.Lost != 200 || f.Analysed != 350 {
				t.Errorf("frames %+v, want 550 sent, 350 analysed, 200 lost", f)
			}
		})
	}
}

func TestReportSaysThatTooLittleIsLeft(t *testing.T) {
	const who = store.SpeakerCandidate
	log := append([]frame.Delivery{events(event.Opened{At: at(0)},
		changed(who, store.CauseMuted, true, 1))}, speech(t, who, 6)...)
	s := reportOf(t, log).Speakers[0]
	if !s.TooLittleLeft || s.Analysis.Measures != (store.Measures{}) ||
		len(s.Analysis.Pauses) != 0 || s.Frames.Analysed != 300 {
		t.Errorf("too little left: %v, measures %+v, pauses %v, frames %+v", s.TooLittleLeft,
			s.Analysis.Measures, s.Analysis.Pauses, s.Frames)
	}
}
