package patient

import (
	"encoding/json"
	"testing"
)

// TestSharedMoves checks that the shared moves are understood beside a scenario's own intents.
// None of the sentences is an example.
func TestSharedMoves(t *testing.T) {
	var own map[string]any
	if err := json.Unmarshal([]byte(insulin), &own); err != nil {
		t.Fatal(err)
	}
	own["use"] = []string{"moves/common"}
	own["intents"] = own["intents"].([]any)[:3] // the others have the names of moves
	own["beats"] = []any{}
	text, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	d := newDialogue(t, string(text))
	right, wrong := 0, 0
	for text, want := range map[string]string{
		"good morning mister hale":                            "greet",
		"i'm helen and i'm the nurse on this ward":            "introduce",
		"what should i call you":                              "ask_name",
		"would it be all right to ask you a few questions":    "permission",
		"i'm really sorry that must have been so frightening": "empathy",
		"thank you for being so open with me":                 "praise",
		"first let me explain the injection":                  "signpost",
		"what have they told you about insulin so far":        "ask_knowledge",
		"what would you like to happen today":                 "ask_expectation",
		"is that all clear to you":                            "check_understanding",
		"do you have any more questions for me":               "invite_questions",
		"how does that sound to you":                          "invite_reaction",
		"let me sum up what you told me":                      "summarise",
		"can you tell me a little more about that":            "go_on",
		"oh don't worry about that":                           "dismiss",
		"what worries you about it":                           "ask_worry",
		"do you take your tablets every day":                  "ask_tablets",
		"is anybody with you in the evening":                  "ask_home",
	} {
		dec, _ := hear(d, d.Begin(), 10, text)
		switch {
		case dec.Outcome == Answer && dec.Intents[0] == want:
			right++
		case dec.Outcome == Answer:
			wrong++
			fallthrough
		default:
			t.Logf("%q: %s %v", text, dec.Outcome, dec.Matches)
		}
	}
	if right < 15 || wrong > 1 {
		t.Errorf("%d of 18 right, %d wrong", right, wrong)
	}
}
