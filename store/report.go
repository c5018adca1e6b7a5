package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// ReportVersion is the version of a report's JSON form that this program writes. Raise it when a
// reader of the previous form would misread the new one, and have ParseReport bring older forms up
// to date; a new field, or a new measure, needs no new version.
//
// Version 2 (2026-11) counts no interruption and only a voice's own pauses; frames are counted so
// that sent = analysed + concealed + lost.
const ReportVersion = 2

// Report is the result of an attempt: what was measured of each speaker, and how they took turns.
type Report struct {
	SchemaVersion int             `json:"schema_version,omitempty" doc:"Version of the report's form. Reports stored before there were versions have none and are of version 1."`
	AttemptID     string          `json:"attempt_id"`
	CreatedAt     time.Time       `json:"created_at"`
	StartedAt     time.Time       `json:"started_at" doc:"when the play began"`
	DurationS     float64         `json:"duration_s" doc:"length of the play's common time line, seconds"`
	PlayS         float64         `json:"play_s" doc:"the part of it in which the clock of the play ran, seconds"`
	Speakers      []SpeakerReport `json:"speakers" doc:"the candidate first, then the patient if one spoke"`
	Turns         Turns           `json:"turns"`
	// Conversation is nil when no automatic patient took part.
	Conversation *Conversation `json:"conversation,omitempty" doc:"what was said in a play with an automatic patient, and what the patient made of it"`
	// Results are the scores. They are stored beside the report, in rows that progress reads.
	Results []Result `json:"-"`
}

// ParseReport reads a report's JSON, of ReportVersion or any version before it. The error wraps
// ErrInvalid when a later program wrote the report.
func ParseReport(b []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return Report{}, fmt.Errorf("report: %w", err)
	}
	if r.SchemaVersion == 0 { // written before there were versions
		r.SchemaVersion = 1
	}
	if r.SchemaVersion > ReportVersion {
		return Report{}, fmt.Errorf(
			"report of version %d; this program reads versions up to %d: %w",
			r.SchemaVersion, ReportVersion, ErrInvalid)
	}
	if r.SchemaVersion < 2 {
		r.upgradeFrom1()
	}
	for i := range r.Speakers {
		if rec := r.Speakers[i].Recording; rec != nil && rec.State == "" {
			rec.State = RecordingKept
		}
	}
	return r, nil
}

// upgradeFrom1 counts pauses and frames as version 2 does. Version 1 knows no interruptions, and
// the other's turns were among the pauses.
func (r *Report) upgradeFrom1() {
	r.SchemaVersion, r.PlayS = 2, r.DurationS
	for i := range r.Speakers {
		s := &r.Speakers[i]
		var other []Span
		for k := range r.Speakers {
			if k != i {
				other = r.Speakers[k].Analysis.Speech
			}
		}
		s.Interruptions = []Interruption{}
		t := NewTiming(s.Analysis.Speech, nil, other)
		s.Analysis.Pauses = t.Pauses
		t.Set(&s.Analysis.Measures, len(s.Analysis.Syllables))
		s.Frames.Concealed += s.Frames.Recovered
		s.Frames.Lost = max(s.Frames.Lost-s.Frames.Concealed, 0) + s.Frames.Corrupt
		s.Frames.Sent = s.Frames.Analysed + s.Frames.Concealed + s.Frames.Lost
	}
}

// SpeakerReport is one side of the conversation. Its times are on the common time line that begins
// with the play.
type SpeakerReport struct {
	Speaker       Speaker        `json:"speaker" enum:"candidate,patient"`
	Analysis      Analysis       `json:"analysis"`
	Interruptions []Interruption `json:"interruptions" doc:"when the speaker could not be heard, in order and apart from one another; no measure counts these times"`
	TooLittleLeft bool           `json:"too_little_left" doc:"so much was interrupted that the rest was not measured: the measures are empty"`
	Frames        FrameCounts    `json:"frames"`
	Recording     *Recording     `json:"recording,omitempty"`
	Peaks         []float32      `json:"peaks" doc:"largest absolute sample of each 50 ms, from 0 to 1, to draw a waveform"`
}

// Cut returns the times of the interruptions.
func (s SpeakerReport) Cut() []Span {
	spans := make([]Span, 0, len(s.Interruptions))
	for _, i := range s.Interruptions {
		spans = append(spans, i.Span())
	}
	return spans
}

// Away returns the times in which the speaker could neither be heard nor answer.
func (s SpeakerReport) Away() []Span {
	var away []Span
	for _, i := range s.Interruptions {
		if i.Cause.Outage() {
			away = append(away, i.Span())
		}
	}
	return away
}

// Occupied returns the times in which the other's silence is no pause: the speaker spoke, or was
// away.
func (s SpeakerReport) Occupied() []Span { return Union(s.Analysis.Speech, s.Away()) }

// FrameCounts counts what happened to one speaker's Opus frames. Sent = Analysed + Concealed +
// Lost.
type FrameCounts struct {
	Sent       int `json:"sent" doc:"frames that the speaker sent during the play, as far as is known: from their sequence numbers, and from the count that the speaker's client tells after a lost connection"`
	Received   int `json:"received" doc:"frames in the log"`
	Analysed   int `json:"analysed" doc:"frames decoded and measured"`
	Lost       int `json:"lost" doc:"frames sent that were neither analysed nor concealed: in interruptions, and damaged ones"`
	Recovered  int `json:"recovered" doc:"of the concealed, rebuilt from in-band forward error correction (FEC)"`
	Concealed  int `json:"concealed" doc:"single frames that never arrived, replaced by the decoder"`
	Duplicated int `json:"duplicated" doc:"received more than once"`
	Late       int `json:"late" doc:"arrived after packets behind their position had been analysed"`
	Corrupt    int `json:"corrupt" doc:"of the lost, could not be decoded"`
	Dropped    int `json:"dropped" doc:"dropped by the media server, because the log did not keep up"`
}

// Recording is one speaker's Ogg Opus file in the blob store.
type Recording struct {
	Key       string         `json:"-"`
	State     RecordingState `json:"state,omitempty" enum:"kept,pending,failed,deleted" doc:"kept: it can be played; pending: it is not stored yet, and the server keeps trying; failed: it could not be stored; deleted: it was kept as long as the server keeps recordings. Absent in reports from before there were states: kept"`
	DurationS float64        `json:"duration_s"`
	Bytes     int64          `json:"bytes"`
}

// RecordingKey returns the key of a speaker's recording in the blob store.
func RecordingKey(attemptID string, s Speaker) string {
	return "attempts/" + attemptID + "/" + string(s) + ".ogg"
}

// RecordingKeys returns the keys that the recordings of an attempt have when they are stored.
func RecordingKeys(attemptID string) []string {
	return []string{
		RecordingKey(attemptID, SpeakerCandidate), RecordingKey(attemptID, SpeakerPatient),
	}
}

// RecordingState says whether a recording can be played.
type RecordingState string

// The states of a recording.
const (
	RecordingKept    RecordingState = "kept"
	RecordingPending RecordingState = "pending" // its audio is in the log until it is kept
	RecordingFailed  RecordingState = "failed"  // given up after days
	RecordingDeleted RecordingState = "deleted" // at the end of its retention
)

// GiveUp marks a recording that is not stored yet as failed.
func (r *Recording) GiveUp() {
	if r.State == RecordingPending {
		r.State = RecordingFailed
	}
}

// Retry makes a recording that was given up follow its report again, and reports whether it was.
func (r *Recording) Retry() bool {
	failed := r.State == RecordingFailed
	if failed {
		r.State = RecordingPending
	}
	return failed
}

// Expire records that the recording was deleted at the end of its retention.
func (r *Recording) Expire() { r.State, r.Bytes = RecordingDeleted, 0 }

// Pending reports whether a recording of the report is not stored yet.
func (r Report) Pending() bool {
	for _, s := range r.Speakers {
		if s.Recording != nil && s.Recording.State == RecordingPending {
			return true
		}
	}
	return false
}

// Turns describes how two speakers take turns. A gap is the silence between them and belongs to
// the speaker who begins to speak; an overlap is a negative gap. Measures explains the field tags.
type Turns struct {
	Gaps                  []TurnGap `json:"gaps"`
	Overlaps              []Span    `json:"overlaps" doc:"Where both speak."`
	GapMedianS            *float64  `json:"gap_median_s" name:"Answering gap" unit:"s" digits:"2" group:"Taking turns" doc:"The median silence between the patient’s last word and the candidate’s first." hint:"Below zero, you came in before the end." null:"the candidate never answered"`
	CandidateTalkRatio    float64   `json:"candidate_talk_ratio" name:"Your share of the talk" unit:"%" digits:"0" group:"Taking turns" doc:"The candidate’s speech out of all speech." hint:"The patient needs room to tell you things."`
	CandidateTurns        int       `json:"candidate_turns" name:"Turns" unit:"" digits:"0" group:"Taking turns" doc:"How often the candidate took the floor."`
	PatientTurns          int       `json:"patient_turns" name:"Patient’s turns" unit:"" digits:"0" doc:"How often the patient took the floor."`
	LongestCandidateTurnS float64   `json:"longest_candidate_turn_s" name:"Longest turn" unit:"s" digits:"1" group:"Taking turns" doc:"The longest time for which the candidate held the floor." hint:"Long turns can become lectures."`
	OverlapTotalS         float64   `json:"overlap_total_s" name:"Both at once" unit:"s" digits:"1" group:"Taking turns" doc:"The time in which both spoke."`
}

// TurnGap is one change of speaker.
type TurnGap struct {
	TS   float64 `json:"t_s" doc:"when the new speaker began"`
	GapS float64 `json:"gap_s" doc:"silence before that; below zero when the two overlapped"`
	To   Speaker `json:"to" enum:"candidate,patient"`
}
