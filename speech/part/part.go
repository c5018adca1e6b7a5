// Package part defines the messages between the room of a role play and the actor of its automatic
// patient.
//
// The room is in a media process, and is the only place where a patient's actions take effect. The
// actor is in a process with the speech role: it listens to the candidate and decides what the
// patient says. They exchange these messages over NATS, without a stream: what must arrive is a
// request that its sender repeats until it is answered, and whoever gets it twice does it once.
//
//	part.call              room -> all workers: a Call, answered by Taken or Busy
//	part.confirm           room -> all workers: Confirm, answered with a Reply by the one it names
//	part.status            anybody -> all workers: AskStatus, answered by Status
//	part.act.<attempt>     actor -> room: an Act, answered by a Reply
//	part.alive.<attempt>   actor -> room: Alive, not answered
//	part.told.<attempt>    room -> actor: a Told, answered by a Reply
//
// A generation is one actor of an attempt. When the room hears nothing from the actor, it calls
// again with the next generation and the last snapshot. Messages of an earlier generation are
// refused as stale, and their actor ends itself. So there are never two patients.
//
// All times are in microseconds since 1970, by the media server's clock, as in package event.
package part

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"bedside/speech/event"
)

// Limits of the messages.
const (
	// MaxBytes is the length of the longest message that Parse reads.
	MaxBytes = 640 << 10
	// MaxFrames is the largest number of frames in a line: 40 s.
	MaxFrames = 2000
	// MaxFrame is the length of the longest frame, in bytes.
	MaxFrame = 400
	// MaxState is the length of the longest snapshot.
	MaxState = 32 << 10
	// MaxEvents is the length of the longest batch of events.
	MaxEvents = 64 << 10
	// MaxText is the length of the longest text, in bytes.
	MaxText = 2000
	// MaxTyped is the length of the longest text that a candidate types, in bytes.
	MaxTyped = 2000
	// MaxWords is the largest number of words in a Heard.
	MaxWords = 200
	// maxName is the length of the longest id or name.
	maxName = 100
	// maxGeneration bounds generations and the numbers of messages.
	maxGeneration = 1 << 30
)

// ErrMalformed is returned by Parse for data that is not a message, or one over a limit.
var ErrMalformed = errors.New("malformed message between room and actor")

// Message is one of the messages of this package. Told is the only one that has another in it.
type Message interface {
	kind() string
	valid() bool
}

// envelope is the JSON form of a message.
type envelope struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// Marshal returns the JSON form of a message. It returns ErrMalformed for one that Parse would
// refuse.
func Marshal(m Message) ([]byte, error) {
	if !m.valid() {
		return nil, fmt.Errorf("%w: %s", ErrMalformed, m.kind())
	}
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if data, err = json.Marshal(envelope{m.kind(), data}); err == nil && len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %s of %d bytes", ErrMalformed, m.kind(), len(data))
	}
	return data, err
}

// Parse reads a message. Any data is safe to pass. The error is ErrMalformed.
func Parse(data []byte) (Message, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	var e envelope
	if err := decode(data, &e); err != nil {
		return nil, err
	}
	switch e.Type {
	case Call{}.kind():
		return parse[Call](e.Data)
	case Taken{}.kind():
		return parse[Taken](e.Data)
	case Busy{}.kind():
		return parse[Busy](e.Data)
	case Confirm{}.kind():
		return parse[Confirm](e.Data)
	case AskStatus{}.kind():
		return parse[AskStatus](e.Data)
	case Status{}.kind():
		return parse[Status](e.Data)
	case Act{}.kind():
		return parse[Act](e.Data)
	case Alive{}.kind():
		return parse[Alive](e.Data)
	case Reply{}.kind():
		return parse[Reply](e.Data)
	case Told{}.kind():
		return parse[Told](e.Data)
	}
	return nil, fmt.Errorf("%w: type %.40q", ErrMalformed, e.Type)
}

func parse[T Message](data []byte) (Message, error) {
	var m T
	if err := decode(data, &m); err != nil {
		return nil, err
	}
	if !m.valid() {
		return nil, fmt.Errorf("%w: %s %.200s", ErrMalformed, m.kind(), data)
	}
	return m, nil
}

func decode(data []byte, into any) error {
	if err := event.DecodeOne(data, into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// text reports whether s is UTF-8 of at most n bytes.
func text(s string, n int) bool { return len(s) <= n && utf8.ValidString(s) }

// number reports whether n can be a generation or the number of a message.
func number(n int) bool { return n > 0 && n <= maxGeneration }

// moment reports whether t is a time, or 0 where that is allowed.
func moment(t int64) bool { return t >= 0 && t < 1<<53 }

// raw reports whether data is nothing, or a JSON value of at most n bytes.
func raw(data json.RawMessage, n int) bool {
	return len(data) <= n && (len(data) == 0 || json.Valid(data))
}
