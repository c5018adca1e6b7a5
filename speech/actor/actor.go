// Package actor plays automatic patients: it listens to the candidate of a role play, decides what
// the patient answers, and has it spoken.
//
// An actor runs in a process with the speech role, one for each role play with an automatic
// patient. It reads the candidate's audio from the attempt's log while it is written, and hands it
// to a recogniser. Package patient says when the candidate's turn is over and what the patient
// answers; package voice speaks it. The room, which is in a media process, plays the line. What
// the two tell each other is in package part.
//
// A Company holds the actors of a process. It has a bounded number of places, because recognition
// takes far more of a processor than anything else: who finds none free waits in a queue.
//
// An actor may die at any moment. After every turn, the room has its snapshot, and up to where the
// audio is in it. The next actor goes on from there: it hears nothing twice and says nothing
// twice, because the room takes an act only once.
package actor

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"time"

	"bedside/speech/asr"
	"bedside/speech/frame"
	"bedside/speech/part"
	"bedside/speech/patient"
	"bedside/speech/voice"
	"bedside/store"
)

// Config configures a Company. A zero field means the value in Defaults.
type Config struct {
	Places int `key:"speech.patients" env:"BEDSIDE_SPEECH_PATIENTS" doc:"automatic patients that a speech worker plays at once; 0: two for each processor; candidates beyond that wait"`

	// Clock is the time; tests replace it.
	Clock func() time.Time
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{Clock: time.Now} }

func (c Config) withDefaults() Config {
	c.Places = cmp.Or(c.Places, 2*runtime.GOMAXPROCS(0))
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	if c.Places < 0 || c.Places > 1000 {
		return errors.New("speech.patients: a number from 0 to 1000 is needed")
	}
	return nil
}

// Link is the way to the room of a role play. It is safe for concurrent use.
type Link interface {
	// Act sends an act until the room has answered.
	Act(ctx context.Context, a part.Act) (part.Reply, error)
	// Alive says that the actor is there. It does not wait.
	Alive(a part.Alive) error
	Close()
}

// Audio is an attempt's log, read from its beginning.
type Audio interface {
	// Next waits for the next message.
	Next(ctx context.Context) (frame.Delivery, error)
	Close()
}

// Theatre connects actors with their rooms.
type Theatre interface {
	// Join opens the link to an attempt's room. told is called with what the room tells, one
	// after the other, and must return at once. It returns nil for what it does not answer.
	Join(attempt string, told func(part.Told) *part.Reply) (Link, error)
	// Follow opens the attempt's log.
	Follow(attempt string) (Audio, error)
}

// Scripts has the scenarios that are played.
type Scripts interface {
	// Script returns a version of a scenario and its dialogue.
	Script(ctx context.Context, scenario string, version int) (store.Scenario,
		*patient.Dialogue, error)
}

// Voices speaks lines; *voice.Voices does.
type Voices interface {
	Line(ctx context.Context, l patient.Line, v patient.Voice) (voice.Clip, error)
	Prepare(ctx context.Context, lines []patient.Line, v patient.Voice) error
}

// Speakers knows what was learned of candidates' voices. A speaker who is not known is the zero
// value.
type Speakers interface {
	Speaker(ctx context.Context, userID string) (asr.Speaker, error)
}
