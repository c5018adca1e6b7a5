package patient

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bedside/store"
)

// twins is a dialogue of which two intents mean the same.
const twins = `{
	"intents": [
		{"id": "ask_sleep", "act": "open_question", "examples": ["how do you sleep at night",
			"how well do you sleep", "how is your sleep at night", "do you sleep well at night",
			"how have you been sleeping", "are you sleeping well", "tell me about your sleep",
			"what is your sleep like"]},
		{"id": "ask_nights", "act": "open_question", "examples": ["how well do you sleep at night",
			"how do you sleep", "how is your sleep", "do you sleep well",
			"how have you been sleeping at night", "are you sleeping well at night",
			"tell me about your sleep at night", "what is your sleep like at night"]},
		{"id": "ask_work", "act": "closed_question", "examples": ["what work do you do",
			"what is your job", "where do you work", "do you have a job", "what is your work",
			"tell me about your job", "tell me about your work", "is it a hard job"]}
	],
	"facts": [
		{"id": "sleep", "on": ["ask_sleep"], "say": "Badly."},
		{"id": "nights", "on": ["ask_nights"], "say": "Not much."}
	],
	"repair": ["Sorry?", "Pardon?"]
}`

func TestExpectFindsIntentsThatConfuseEachOther(t *testing.T) {
	list, err := newDialogue(t, twins).Expect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if sum := e.Right + e.Asked + e.Wrong + e.Repaired; sum != e.Examples || sum != 8 {
			t.Errorf("%s: %d of %d examples judged", e.Intent, sum, e.Examples)
		}
		other := map[string]string{"ask_sleep": "ask_nights", "ask_nights": "ask_sleep"}[e.Intent]
		if got := e.Confuses(); got != other {
			t.Errorf("%s is confused with %q; want %q: %+v", e.Intent, got, other, e)
		}
	}
}

func TestDialoguesThatAreTooLargeToLearn(t *testing.T) {
	for name, document := range map[string]string{
		"a long example": strings.Replace(twins, "what is your job", strings.Repeat("so ", 61), 1),
		"many examples": strings.Replace(twins, `"what is your job"`,
			strings.Repeat(`"a", `, 4001)+`"b"`, 1),
	} {
		_, err := New(store.Scenario{Slug: "s", Dialogue: []byte(document)}, nil)
		if !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A request that has run out of time gets no half result.
func TestExpectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := newDialogue(t, insulin).Expect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", list, err)
	}
}
