package speech

import (
	"testing"
	"time"

	"bedside/speech/event"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func known(from, to float64, c store.Cause) store.Interruption {
	return store.Interruption{FromS: from, ToS: to, Cause: c}
}

func span(from, to float64) store.Span { return store.Span{StartS: from, EndS: to} }

func TestInterruptions(t *testing.T) {
	const (
		lost, restarted = store.CauseConnectionLost, store.CauseServerRestarted
		muted, hidden   = store.CauseMuted, store.CausePageHidden
		stopped, disk   = store.CauseClockStopped, store.CauseStorage
	)
	for name, tc := range map[string]struct {
		evidence
		want []store.Interruption
	}{
		"none": {},
		"a mute is as the room knows it": {
			evidence{causes: []store.Interruption{known(2, 6.004, muted)}},
			[]store.Interruption{known(2, 6.01, muted)},
		},
		"a lost connection is the gap in the frames": {
			evidence{
				causes: []store.Interruption{known(8, 11, lost)},
				gaps:   []gap{{Span: span(1, 1.3)}, {Span: span(3, 11.1)}},
			},
			[]store.Interruption{known(3, 11.1, lost)},
		},
		"a lost connection over which all arrived is none": {
			evidence{causes: []store.Interruption{known(8, 11, lost)}}, nil,
		},
		"a long run of missing frames is a lost connection": {
			evidence{gaps: []gap{
				{Span: span(1, 1.4), lost: 20}, {Span: span(3, 4), lost: 50},
			}},
			[]store.Interruption{known(3, 4, lost)},
		},
		"a restart is one gap, whatever is lost soon after it": {
			evidence{
				causes: []store.Interruption{known(3, 11.4, restarted)},
				gaps: []gap{
					{Span: span(2.6, 2.9)}, {Span: span(3, 11)}, {Span: span(11.5, 11.9)},
				},
			},
			[]store.Interruption{known(3, 11, restarted)},
		},
		"two restarts": {
			evidence{
				causes: []store.Interruption{known(3, 11, restarted), known(12, 14, restarted)},
				gaps:   []gap{{Span: span(3, 11)}, {Span: span(12, 14)}},
			},
			[]store.Interruption{known(3, 11, restarted), known(12, 14, restarted)},
		},
		"a silent microphone is none": {
			evidence{gaps: []gap{{Span: span(1, 9)}, {Span: span(10, 11), lost: 2}}}, nil,
		},
		"frames that the log dropped": {
			evidence{gaps: []gap{{Span: span(1, 9), lost: 400, dropped: true}}},
			[]store.Interruption{known(1, 9, disk)},
		},
		"the first cause wins, and others keep the rest": {
			evidence{
				causes: []store.Interruption{
					known(4, 9, stopped), known(1, 6, muted), known(4, 7, restarted),
				},
				gaps: []gap{{Span: span(4, 7)}},
			},
			[]store.Interruption{known(1, 4, muted), known(4, 7, restarted), known(7, 9, stopped)},
		},
		"a hidden page interrupts while nothing is heard": {
			evidence{
				causes: []store.Interruption{known(1, 9, hidden)},
				speech: []store.Span{span(0, 2), span(4, 5)},
			},
			[]store.Interruption{known(2, 4, hidden), known(5, 9, hidden)},
		},
		"a moment is none": {
			evidence{causes: []store.Interruption{known(0, 0.03, stopped)}}, nil,
		},
		"what goes on ends with the play": {
			evidence{causes: []store.Interruption{known(-3, 1, stopped), known(15, 9e12, muted)}},
			[]store.Interruption{known(0, 1, stopped), known(15, 20, muted)},
		},
		"interruptions of one cause that meet are one": {
			evidence{causes: []store.Interruption{known(1, 2, muted), known(2, 3, muted)}},
			[]store.Interruption{known(1, 3, muted)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.end = 20
			got := tc.interruptions()
			if got == nil {
				t.Error("a list that is nil would be null to clients")
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTooLittleLeft(t *testing.T) {
	const muted = store.CauseMuted
	for name, tc := range map[string]struct {
		list []store.Interruption
		end  float64
		want bool
	}{
		"a short play":            {nil, 2, false},
		"most is left":            {[]store.Interruption{known(0, 60, muted)}, 300, false},
		"two seconds":             {[]store.Interruption{known(1, 9, muted)}, 10, true},
		"less than a tenth":       {[]store.Interruption{known(0, 275, muted)}, 300, true},
		"a little more than that": {[]store.Interruption{known(0, 265, muted)}, 300, false},
	} {
		if got := tooLittleLeft(tc.list, tc.end); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// at returns microseconds since 1970, some seconds after the start of the play.
func at(seconds float64) int64 {
	return start.UnixMicro() + int64(seconds*float64(time.Second/time.Microsecond))
}

func TestCauses(t *testing.T) {
	c := newCauses(at(0))
	muted := func(t float64, on bool) {
		c.addChanged(event.Changed{At: at(t), Speaker: "candidate", Cause: "muted", On: on})
	}
	c.addOpened(event.Opened{At: at(0)})
	c.addFrame(store.SpeakerCandidate, at(0.1))
	muted(1, true)
	muted(1.5, true) // again
	muted(2, false)
	muted(3, false) // without a beginning
	muted(5, true)
	c.addFrame(store.SpeakerPatient, at(5.5))
	c.addTime(at(6)) // a heartbeat
	c.addChanged(event.Changed{At: at(1), Speaker: "observer", Cause: "muted", On: true})
	c.addChanged(event.Changed{At: at(1), Speaker: "patient", Cause: "bored", On: true})
	c.addOpened(event.Opened{At: at(9)})
	c.addFrame(store.SpeakerCandidate, at(8.9)) // of the old server
	c.addFrame(store.SpeakerCandidate, at(9.5))
	c.addFrame(store.SpeakerCandidate, at(9.6))
	got := c.of(store.SpeakerCandidate)
	want := []interval{
		{store.CauseMuted, at(1), at(2)}, {store.CauseMuted, at(5), at(6)},
		{store.CauseServerRestarted, at(6), at(9.5)},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(interval{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	late := newCauses(at(0)) // the first server was killed before it wrote anything
	late.addOpened(event.Opened{At: at(2)})
	late.addFrame(store.SpeakerCandidate, at(2.5))
	want = []interval{{store.CauseServerRestarted, at(0), at(2.5)}}
	if diff := cmp.Diff(want, late.of(store.SpeakerCandidate),
		cmp.AllowUnexported(interval{})); diff != "" {
		t.Errorf("a late opening: -want +got:\n%s", diff)
	}
	if p := c.of(store.SpeakerPatient); len(p) != 1 || p[0].from != at(6) || p[0].to < at(1e6) {
		t.Errorf("the patient, who has not come back: %+v", p)
	}
}
