// Package event defines what an attempt's log says besides the audio: when a media server began to
// write, when a speaker could not be heard and why, and how many frames a speaker sent. A worker
// that analyses the log tells outages from pauses by its events, and counts frames exactly. In
// a role play with an automatic patient the log also says what the patient has heard, understood
// and said: a report has the conversation from it.
//
// Events are published in batches on the subject frame.EventSubject, in the log of the audio:
// they are replayed and removed together with it. Times are those of the media server's clock,
// which also dates the arrival of frames.
package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	// MaxBatch is the largest number of events in a message.
	MaxBatch = 100
	// MaxBytes is the length of the longest message that Parse reads.
	MaxBytes = 64 << 10
	// MaxPackets is the largest number of packets that a Sent may name.
	MaxPackets = 10_000_000
)

// ErrMalformed is returned by Parse for data that is not a batch of events, or one over a limit.
var ErrMalformed = errors.New("malformed batch of events")

// Event is one of the types below.
type Event interface {
	kind() string
	valid() bool
}

// Opened says that a media server has begun to write this log. The first one of a log comes with
// the start of the play; every other one means that the media server was away until then.
type Opened struct {
	At int64 `json:"at"` // in microseconds since 1970, as all times of events
}

// Moved says that a media server has stopped writing this log, because another one, or the same
// after a restart, continues the play. The Opened of that one follows.
type Moved struct {
	At int64 `json:"at"`
}

// Alive is a heartbeat: the media server runs.
type Alive struct {
	At int64 `json:"at"`
}

// Changed says that a cause began or ceased to keep a speaker from being heard.
type Changed struct {
	At      int64  `json:"at"`
	Speaker string `json:"speaker"`
	Cause   string `json:"cause"` // a store.Cause
	On      bool   `json:"on"`
}

// Clock says that the play's clock has started or stopped. A media server that continues a play
// reads the last one.
type Clock struct {
	At      int64 `json:"at"`
	Left    int64 `json:"left"` // of the play at that time, in microseconds
	Running bool  `json:"running"`
	Partner bool  `json:"partner,omitempty"` // somebody has played the patient
	// Stood is how long it has stood because somebody was away, in microseconds.
	Stood int64 `json:"stood,omitempty"`
}

// Stream describes an epoch: the RTP stream behind it.
type Stream struct {
	Speaker string `json:"speaker"`
	Epoch   uint16 `json:"epoch"`
	SSRC    uint32 `json:"ssrc"`
	// Before is the number of packets of the stream that came before the first in the log.
	Before int `json:"before"`
}

// Sent tells how many packets were sent on one RTP stream of the speaker, from its beginning, each
// once however often it was repeated.
type Sent struct {
	Speaker string `json:"speaker"`
	SSRC    uint32 `json:"ssrc"`
	Packets int    `json:"packets"`
	Origin  Origin `json:"origin,omitempty"`
}

// Origin says where the count of a Sent comes from.
type Origin string

const (
	// OriginClient is the client's own count, which is exact.
	OriginClient Origin = ""
	// OriginReport is an RTCP sender report. There may be more packets, but no fewer. It is there
	// also when the client had no time to tell its count, as a browser that crashed.
	OriginReport Origin = "sender_report"
)

func (Opened) kind() string  { return "opened" }
func (Moved) kind() string   { return "moved" }
func (Alive) kind() string   { return "alive" }
func (Changed) kind() string { return "changed" }
func (Clock) kind() string   { return "clock" }
func (Stream) kind() string  { return "stream" }
func (Sent) kind() string    { return "sent" }

func (Opened) valid() bool    { return true }
func (Moved) valid() bool     { return true }
func (Alive) valid() bool     { return true }
func (e Changed) valid() bool { return e.Speaker != "" && e.Cause != "" }
func (e Clock) valid() bool   { return e.Left >= 0 && e.Stood >= 0 }
func (e Stream) valid() bool  { return e.Speaker != "" && e.Before >= 0 }
func (e Sent) valid() bool {
	return e.Speaker != "" && e.Packets >= 0 && e.Packets <= MaxPackets
}

// envelope is the JSON form of one event.
type envelope struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// Append appends the JSON form of a batch to dst and returns the result. The caller must respect
// MaxBatch.
func Append(dst []byte, batch []Event) ([]byte, error) {
	list := make([]envelope, len(batch))
	for i, e := range batch {
		data, err := json.Marshal(e)
		if err != nil {
			return dst, err
		}
		list[i] = envelope{e.kind(), data}
	}
	b, err := json.Marshal(list)
	return append(dst, b...), err
}

// Parse reads a batch of events. It skips events of unknown types, which a later program may
// write. Any data is safe to pass. The error is ErrMalformed.
func Parse(data []byte) ([]Event, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	var list []envelope
	if err := decode(data, &list); err != nil {
		return nil, err
	}
	if len(list) > MaxBatch {
		return nil, fmt.Errorf("%w: %d events", ErrMalformed, len(list))
	}
	batch := make([]Event, 0, len(list))
	for _, one := range list {
		e, err := parseOne(one)
		if err != nil {
			return nil, err
		}
		if e != nil {
			batch = append(batch, e)
		}
	}
	return batch, nil
}

func parseOne(one envelope) (Event, error) {
	switch one.Type {
	case Opened{}.kind():
		return parse[Opened](one.Data)
	case Moved{}.kind():
		return parse[Moved](one.Data)
	case Alive{}.kind():
		return parse[Alive](one.Data)
	case Changed{}.kind():
		return parse[Changed](one.Data)
	case Clock{}.kind():
		return parse[Clock](one.Data)
	case Stream{}.kind():
		return parse[Stream](one.Data)
	case Sent{}.kind():
		return parse[Sent](one.Data)
	case Said{}.kind():
		return parse[Said](one.Data)
	case Patient{}.kind():
		return parse[Patient](one.Data)
	}
	return parseUnderstood(one)
}

func parse[T Event](data []byte) (Event, error) {
	var e T
	if err := decode(data, &e); err != nil {
		return nil, err
	}
	if !e.valid() {
		return nil, fmt.Errorf("%w: %s %.200s", ErrMalformed, e.kind(), data)
	}
	return e, nil
}

func decode(data []byte, into any) error {
	if err := DecodeOne(data, into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// DecodeOne reads one JSON value and returns an error when there is anything behind it.
func DecodeOne(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}
