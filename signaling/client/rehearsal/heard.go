package rehearsal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"bedside/store"
)

// read takes from the report what was heard and understood of each turn.
func (r *ConsultationResult) read() error {
	rep, err := store.ParseReport(r.Report)
	if err != nil {
		return err
	}
	if rep.Conversation == nil {
		return fmt.Errorf("the report of attempt %s does not say what the patient heard",
			r.AttemptID)
	}
	r.Recognisers, r.Revealed = rep.Conversation.Recognisers, rep.Conversation.Revealed
	assign(r.Turns, rep.Conversation.Utterances)
	return nil
}

// slack is how much earlier than it was sent a line may begin in the report, in seconds: a
// recogniser's first word begins in the silence before it.
const slack = 0.4

// assign gives each utterance to the last turn that began before it.
func assign(turns []Turn, utterances []store.Utterance) {
	for _, u := range utterances {
		for i := range slices.Backward(turns) {
			if turns[i].FromS-slack <= u.StartS {
				turns[i].Heard = append(turns[i].Heard, u)
				break
			}
		}
	}
}

// Print prints the result for people.
func (r *ConsultationResult) Print(w io.Writer) error {
	for _, l := range r.Recognisers {
		fmt.Fprintf(w, "%6.1f s  %s hears: %s\n", l.FromS, l.Name, l.Why)
	}
	for _, t := range r.Turns {
		fmt.Fprintln(w, t.headline())
		for _, u := range t.Heard {
			fmt.Fprintf(w, "          %s\n", describe(u))
		}
	}
	responses, cuts := r.Responses()
	fmt.Fprintf(w, "\n%d lines, %d answered", len(r.Turns), len(responses))
	if len(responses) > 0 {
		fmt.Fprintf(w, " after %.2f s (p50), %.2f s (p95)", Percentile(responses, 0.5),
			Percentile(responses, 0.95))
	}
	fmt.Fprintf(w, "; the patient cut in %d times\n", cuts)
	_, err := fmt.Fprintf(w, "revealed: %s\n", strings.Join(r.Revealed, ", "))
	return err
}

// Responses returns how long the answers took, in seconds, of the turns in which the patient did
// not cut in, and in how many it did.
func (r *ConsultationResult) Responses() (seconds []float64, cuts int) {
	for _, t := range r.Turns {
		switch {
		case t.CutIn:
			cuts++
		case t.ResponseS != nil:
			seconds = append(seconds, *t.ResponseS)
		}
	}
	return seconds, cuts
}

// Percentile returns the value below which a share of the values lie, by the nearest rank; 0 of
// none.
func Percentile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// describe returns an utterance on one line.
func describe(u store.Utterance) string {
	if u.Speaker == store.SpeakerPatient {
		cut := ""
		if u.Cut {
			cut = " (interrupted)"
		}
		return fmt.Sprintf("patient %.1f-%.1f s, %s: %s%s", u.StartS, u.EndS, u.Emotion, u.Text,
			cut)
	}
	text := fmt.Sprintf("heard %.1f-%.1f s: %s", u.StartS, u.EndS, u.Text)
	if u.Confidence != nil {
		text += fmt.Sprintf(" (%.2f)", *u.Confidence)
	}
	if u.Understood != nil {
		text += " -> " + u.Understood.Outcome
		for _, i := range u.Understood.Intents {
			text += fmt.Sprintf(" %s %.2f", i.ID, i.Confidence)
		}
	}
	if len(u.Revealed) > 0 {
		text += "; reveals " + strings.Join(u.Revealed, ", ")
	}
	return text
}
