package store

import "time"

// Hearing is what the recogniser learned about a user's voice at one microphone, from sentences
// read aloud at the sound check.
type Hearing struct {
	Microphone string // the client's name for it: letters, digits, _ and -, 64 at most
	// Model is the acoustic model that fits best: packaged, adapted or average.
	Model string
	// Mean is the cepstral mean: how voice and microphone sound on average.
	Mean []float64
	// Gain is by how much the adapted model is likelier than the packaged one, in nats per frame.
	Gain       float64
	MeasuredAt time.Time
	UsedAt     time.Time // when the microphone was last used
}

// MaxHearings is how many microphones are kept for a user. The one that was not used for longest
// is removed for another.
const MaxHearings = 10
