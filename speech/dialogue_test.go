package speech

import (
	"strings"
	"testing"
	"testing/synctest"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
)

func TestReportTellsWhatWasSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := speech(t, store.SpeakerCandidate, 4)
		for _, events := range [][]event.Event{
			{event.Recogniser{At: at(-2), Name: "pocketsphinx", Why: "the only one"}},
			{event.Mood{At: at(0), Emotion: "anxious"}},
			{
				event.Words{Speaker: "candidate", Words: []event.Word{
					{Text: "what", From: at(0.5), To: at(0.7), Confidence: 0.5},
					{Text: "worries", From: at(0.7), To: at(1.1), Confidence: 1},
				}, Recogniser: "pocketsphinx"},
				event.Heard{
					At: at(1.6), Outcome: "answer", Act: "open_question",
					Intents:  []event.Intent{{ID: "worry", Confidence: 0.9}},
					Evidence: []string{"D1"},
				},
				event.Fact{At: at(1.6), ID: "needles"},
			},
			// A model's reply comes in pieces.
			{event.Said{Line: "l~1.1.1", Text: "It's the", From: at(1.7), To: at(2.1)}},
			{event.Said{Line: "l~1.1.2", Text: "needles.", From: at(2.1), To: at(2.5)}},
			{event.Cue{At: at(3), ID: "mother"}, event.Mood{At: at(3), Emotion: "warm"}},
			// Interrupted before the first packet: nobody heard it.
			{event.Said{Line: "n", Text: "Nothing.", From: at(2.6), To: at(2.6), Cut: true}},
			{event.Said{Line: "m", Text: "My mother did.", From: at(3), To: at(3.3), Cut: true}},
			{event.Words{Speaker: "candidate"}, event.Heard{At: at(3.5), Outcome: "repair"}},
			{event.Words{Speaker: "patient", Words: []event.Word{{Text: "echo"}}}},
			{event.Words{Speaker: "candidate", Typed: true, Words: []event.Word{
				{Text: "I see.", From: at(3.6), To: at(3.6)},
			}}},
		} {
			log = append(log, frame.Delivery{Events: events})
		}
		q, d := newQueue(&claim{id: "one", log: log}), newFakeStore()
		work(t, q, d, 1)
		sure := 0.75
		want := &store.Conversation{
			Utterances: []store.Utterance{
				{
					Speaker: store.SpeakerCandidate, StartS: 0.5, EndS: 1.1, Text: "what worries",
					Confidence: &sure, Revealed: []string{"needles"},
					Understood: &store.Understood{
						Outcome: "answer", Act: "open_question",
						Intents:  []store.Intent{{ID: "worry", Confidence: 0.9}},
						Evidence: []string{"D1"},
					},
				},
				{
					Speaker: store.SpeakerPatient, StartS: 1.7, EndS: 2.5,
					Text: "It's the needles.", Emotion: "anxious",
				},
				{
					Speaker: store.SpeakerPatient, StartS: 3, EndS: 3.3, Text: "My mother did.",
					Cut: true, Emotion: "warm", Cues: []string{"mother"},
				},
				{
					Speaker: store.SpeakerCandidate, StartS: 3.6, EndS: 3.6, Text: "I see.",
					Typed: true,
				},
			},
			Recognisers: []store.Listener{{Name: "pocketsphinx", Why: "the only one"}},
			Revealed:    []string{"needles"},
		}
		if diff := cmp.Diff(want, d.reports[0].Conversation); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReportOfAHumanPatientHasNoConversation(t *testing.T) {
	d := newDialogue(at(0))
	d.add(event.Alive{At: at(1)})
	if c := d.conversation(); c != nil {
		t.Errorf("got %+v", c)
	}
}

func TestConversationIsBounded(t *testing.T) {
	long := event.Said{Line: "l", Text: strings.Repeat("x", 1900), From: 1, To: 2}
	short := event.Said{Line: "l", Text: "x", From: 1, To: 2}
	for name, e := range map[string]event.Event{"long": long, "short": short} {
		d := newDialogue(0)
		for range 2 * maxUtterances {
			d.add(e)
		}
		c := d.conversation()
		if !c.Truncated || len(c.Utterances) > maxUtterances || d.heard > maxHeard {
			t.Errorf("%s lines: %d utterances of %d bytes, truncated: %v", name,
				len(c.Utterances), d.heard, c.Truncated)
		}
	}
}
