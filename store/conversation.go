package store

// Conversation is what was said in a play with an automatic patient, and what the patient made of
// it. Its times are on the report's time line.
type Conversation struct {
	Utterances  []Utterance `json:"utterances" doc:"in the order in which they began"`
	Recognisers []Listener  `json:"recognisers" doc:"what heard the candidate, in order; more than one when one failed"`
	Revealed    []string    `json:"revealed" doc:"the facts of the scenario that the patient told, in order"`
	Truncated   bool        `json:"truncated,omitempty" doc:"there was more than a report can hold"`
}

// Utterance is one turn of a speaker: what the recogniser heard the candidate say, or a line of
// the patient as far as it was played.
type Utterance struct {
	Speaker Speaker `json:"speaker" enum:"candidate,patient"`
	StartS  float64 `json:"start_s" doc:"when it began, seconds"`
	EndS    float64 `json:"end_s" doc:"when it ended, seconds"`
	Text    string  `json:"text" doc:"the candidate's as the recogniser heard it, which may be wrong; empty when no word was made out"`
	Typed   bool    `json:"typed,omitempty" doc:"the candidate typed it"`
	Cut     bool    `json:"cut,omitempty" doc:"the candidate interrupted the patient, who did not say all of the text"`
	// Confidence is that of the words of the candidate, on average; nil for the patient.
	Confidence *float64 `json:"confidence,omitempty" doc:"how sure the recogniser was of the words, from 0 to 1"`
	// Emotion is the patient's mood.
	Emotion string `json:"emotion,omitempty" doc:"the patient's mood"`
	// Understood is nil for the patient, and where the patient made nothing of an utterance.
	Understood *Understood `json:"understood,omitempty" doc:"what the patient made of the candidate's words"`
	Revealed   []string    `json:"revealed,omitempty" doc:"the facts that the patient told in answer"`
	Cues       []string    `json:"cues,omitempty" doc:"the hints that the patient dropped with this line"`
}

// Understood is what the automatic patient made of an utterance.
type Understood struct {
	Outcome  string   `json:"outcome" doc:"answer, confirm (the patient asked whether it had understood) or repair (it asked the candidate to say it again)"`
	Act      string   `json:"act,omitempty" doc:"the kind of utterance, as open_question"`
	Intents  []Intent `json:"intents" doc:"what it may have meant, the likeliest first"`
	Evidence []string `json:"evidence,omitempty" doc:"the indicators of clinical communication that it shows, A1 to E5"`
	Against  []string `json:"against,omitempty" doc:"the indicators that it goes against"`
}

// Intent is something that the candidate may have meant.
type Intent struct {
	ID         string  `json:"id" doc:"as in the scenario's dialogue"`
	Confidence float64 `json:"confidence" doc:"from 0 to 1"`
}

// Listener is what heard the candidate from some time on.
type Listener struct {
	FromS float64 `json:"from_s"`
	Name  string  `json:"name"`
	Why   string  `json:"why,omitempty" doc:"why this one"`
}
