package openai

import (
	"math"
	"strings"

	"bedside/speech/asr"
)

// maxWords is the largest number of words of an utterance that are kept.
const maxWords = 1000

// answer is what an endpoint answers (response_format verbose_json, or json with only the text).
type answer struct {
	Text  string `json:"text"`
	Words []struct {
		Word        string   `json:"word"`
		Start       float64  `json:"start"`
		End         float64  `json:"end"`
		Probability *float64 `json:"probability"` // of faster-whisper's servers
	} `json:"words"`
	Segments []struct {
		NoSpeech float64 `json:"no_speech_prob"`
		LogProb  float64 `json:"avg_logprob"`
	} `json:"segments"`
}

// result converts the answer to a recording that begins at a time of the stream and lasts some
// time, both in seconds. Without times of words they are spread over the recording.
func (a answer) result(begins, lasts float64) asr.Result {
	confidence := 1.0
	for _, s := range a.Segments {
		if s.NoSpeech > 0.8 && s.LogProb < -1 { // whisper's own rule for what it makes up in noise
			return asr.Result{}
		}
		if s.LogProb < 0 {
			confidence = min(confidence, math.Exp(s.LogProb))
		}
	}
	words := a.timed(begins, lasts, confidence)
	if len(words) == 0 {
		all := plain(a.Text)
		each := lasts / float64(max(len(all), 1))
		for i, text := range all {
			words = append(words, asr.Word{
				Text: text, From: begins + float64(i)*each, To: begins + float64(i+1)*each,
				Confidence: confidence,
			})
		}
	}
	if len(words) == 0 {
		return asr.Result{}
	}
	words = words[:min(len(words), maxWords)]
	best := make([]string, len(words))
	for i, w := range words {
		best[i] = w.Text
	}
	return asr.Result{Words: words, Best: [][]string{best}}
}

// timed returns the words that have times. Times outside the recording or in the wrong order are
// put right.
func (a answer) timed(begins, lasts, confidence float64) []asr.Word {
	var words []asr.Word
	at := 0.0
	for _, w := range a.Words {
		c := confidence
		if w.Probability != nil {
			c = min(max(*w.Probability, 0), 1)
		}
		from := min(max(w.Start, at), lasts)
		to := min(max(w.End, from), lasts)
		at = from
		for _, text := range plain(w.Word) {
			words = append(words, asr.Word{
				Text: text, From: begins + from, To: begins + to, Confidence: c,
			})
		}
	}
	return words
}

// plain returns the words of a text in lower case, without punctuation.
func plain(text string) []string {
	text = strings.ToLower(strings.ReplaceAll(text, "’", "'"))
	return strings.FieldsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '\''
	})
}
