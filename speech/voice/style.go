package voice

import (
	"cmp"
	"strings"

	"bedside/speech/patient"
)

// style is how a line is spoken.
type style struct {
	sex      string  // female or male
	age      int     // in years; 0 is not known
	pace     float64 // 1 is the voice's own; 0 means 1
	emotion  patient.Emotion
	language string // as in en, pl or pt-br
}

func styleOf(l patient.Line, v patient.Voice) style {
	return style{
		sex: v.Sex, age: v.Age, pace: v.Rate, emotion: l.Emotion,
		language: strings.ToLower(cmp.Or(v.Language, "en")),
	}
}

// base returns the language without the region: en of en-gb.
func base(language string) string {
	base, _, _ := strings.Cut(language, "-")
	return base
}

// rate returns how fast to speak, as a multiple of the voice's own rate. The old speak slower, the
// anxious faster.
func (s style) rate() float64 {
	rate := 1.0
	if s.pace > 0 {
		rate = min(max(s.pace, 0.7), 1.4)
	}
	if s.age >= 65 {
		rate *= 0.94
	}
	switch s.emotion {
	case patient.Anxious:
		rate *= 1.06
	case patient.Warm, "ashamed", "sad":
		rate *= 0.95
	}
	return rate
}

// pitch returns the mean pitch as a multiple of the voice's own.
func (s style) pitch() float64 {
	pitch := 1.0
	switch {
	case s.age > 0 && s.age < 16:
		pitch = 1.25
	case s.age >= 65 && s.sex == "female":
		pitch = 0.93
	}
	switch s.emotion {
	case patient.Anxious:
		pitch *= 1.08
	case patient.Annoyed, "ashamed", "sad":
		pitch *= 0.95
	}
	return pitch
}
