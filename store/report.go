package store

import "time"

// Report is what an attempt yields.
type Report struct {
	AttemptID string          `json:"attempt_id"`
	CreatedAt time.Time       `json:"created_at"`
	StartedAt time.Time       `json:"started_at" doc:"when the play began"`
	DurationS float64         `json:"duration_s" doc:"length of the play's common time line, seconds"`
	Speakers  []SpeakerReport `json:"speakers" doc:"the candidate first, then the patient if one spoke"`
	Turns     Turns           `json:"turns"`
}

// SpeakerReport is one side of the conversation, on the common time line that begins with the
// play.
type SpeakerReport struct {
	Speaker   Speaker     `json:"speaker" enum:"candidate,patient"`
	Analysis  Analysis    `json:"analysis"`
	Frames    FrameCounts `json:"frames"`
	Recording *Recording  `json:"recording,omitempty"`
	Peaks     []float32   `json:"peaks" doc:"largest absolute sample of each 50 ms, 0 to 1, for drawing a waveform"`
}

// FrameCounts says what became of one speaker's Opus frames.
type FrameCounts struct {
	Received   int `json:"received" doc:"frames in the log"`
	Analysed   int `json:"analysed" doc:"frames decoded and measured"`
	Lost       int `json:"lost" doc:"sequence numbers that never came"`
	Recovered  int `json:"recovered" doc:"of the lost, rebuilt from in-band FEC"`
	Concealed  int `json:"concealed" doc:"of the lost, concealed"`
	Duplicated int `json:"duplicated" doc:"received more than once"`
	Late       int `json:"late" doc:"came after their place had been played"`
	Corrupt    int `json:"corrupt" doc:"could not be decoded"`
	Dropped    int `json:"dropped" doc:"dropped by the server before the log, because a ring was full"`
}

// Recording is one speaker's Ogg Opus file in the blob store.
type Recording struct {
	Key       string  `json:"-"`
	DurationS float64 `json:"duration_s"`
	Bytes     int64   `json:"bytes"`
}

// Turns describes how two speakers take turns. A gap belongs to the speaker who takes the floor;
// an overlap is a gap below zero.
type Turns struct {
	Gaps                  []TurnGap `json:"gaps"`
	Overlaps              []Span    `json:"overlaps" doc:"where both speak"`
	GapMedianS            *float64  `json:"gap_median_s" doc:"median time from the patient's last word to the candidate's first; null without a second speaker"`
	OverlapTotalS         float64   `json:"overlap_total_s"`
	CandidateTalkRatio    float64   `json:"candidate_talk_ratio" doc:"candidate's speech over all speech"`
	CandidateTurns        int       `json:"candidate_turns"`
	PatientTurns          int       `json:"patient_turns"`
	LongestCandidateTurnS float64   `json:"longest_candidate_turn_s"`
}

// TurnGap is one change of the floor.
type TurnGap struct {
	TS   float64 `json:"t_s" doc:"when the new speaker began"`
	GapS float64 `json:"gap_s" doc:"silence before it; below zero when it overlapped"`
	To   Speaker `json:"to" enum:"candidate,patient"`
}
