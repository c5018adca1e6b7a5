package sfu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// FrameDuration is the duration of a Frame.
	FrameDuration = 20 * time.Millisecond
	frameSamples  = 960 // of a frame, at Opus's RTP clock rate of 48 kHz
	// maxLate is how late a frame may be sent before the rest of the clip is moved back, so that a
	// process that was suspended does not send everything at once.
	maxLate = 100 * time.Millisecond
	// countEvery is the number of frames after which the sinks are told how many were sent.
	countEvery = 50
)

// Frame is an Opus packet of 20 ms.
type Frame struct {
	Payload []byte
	Level   uint8 // in -dBov (RFC 6464): 0 is the loudest, 127 is silence
}

// Played says what Source.Play has sent.
type Played struct {
	From, To time.Time // the first frame's beginning, the last one's end; zero without frames
	Frames   int
}

// Source publishes a voice that this process makes. It has no connection: its track is one like
// any other, which is forwarded, tapped and metered, but its packets come from Play. The room owns
// it; it ends with Close, with the room, or when a participant joins with its id. It is safe for
// concurrent use.
type Source struct {
	room  *Room
	id    string
	track *Track
	ssrc  uint32

	ctx   context.Context // ends with the source; its cause is the reason
	close context.CancelCauseFunc

	playing sync.Mutex // held by Play; guards the fields below
	began   time.Time  // when the first clip began
	first   uint32     // the RTP timestamp of began
	next    uint16     // sequence number
	sent    int        // frames
	free    time.Time  // the end of the last frame sent
}

// AddSource publishes a new source under an id, as if a participant with this id had published a
// track. It returns ErrBadID, ErrIDTaken when a participant or source has the id, and ErrDraining.
func (r *Room) AddSource(id string) (*Source, error) {
	if !validID(id) {
		return nil, fmt.Errorf("source %.80q: %w", id, ErrBadID)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.draining:
		return nil, ErrDraining
	case r.members[id] != nil || r.sources[id] != nil:
		return nil, fmt.Errorf("source %q: %w", id, ErrIDTaken)
	}
	s := &Source{
		room: r, id: id, ssrc: rand.Uint32(), first: rand.Uint32(), next: uint16(rand.Uint32()),
	}
	s.ctx, s.close = context.WithCancelCause(context.Background())
	codec := opusCodec()
	s.track = &Track{
		id: trackID(codec, s.ssrc), publisher: id, codec: codec, metrics: r.node.metrics,
	}
	r.sources[id] = s
	r.addTrack(s.track)
	return s, nil
}

// removeSource ends a source and its track. The caller holds mu.
func (r *Room) removeSource(s *Source, reason error) {
	if r.sources[s.id] != s {
		return
	}
	s.close(reason)
	delete(r.sources, s.id)
	delete(r.tapped, s.track)
	r.tracks = slices.DeleteFunc(r.tracks, func(t *Track) bool { return t == s.track })
	s.track.end()
	r.wake()
}

// Close withdraws the source. A clip that is being played ends before its next frame.
func (s *Source) Close() {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.removeSource(s, ErrLeft)
}

// Play sends a clip, a frame every 20 ms, and returns when its last frame has lasted 20 ms. When
// ctx ends, no further frame is sent. Play returns what it sent in any case, with the cause of
// ctx's end, or ErrGone when the source was closed. Clips do not overlap: a second call waits for
// the first.
func (s *Source) Play(ctx context.Context, clip []Frame) (Played, error) {
	s.playing.Lock()
	defer s.playing.Unlock()
	timer := time.NewTimer(time.Until(s.free))
	defer timer.Stop()
	defer func() { s.track.fanOutCount(s.ssrc, s.sent) }()
	var played Played
	for i, frame := range clip {
		if err := s.wait(ctx, timer); err != nil {
			return played, err
		}
		now := time.Now()
		if i == 0 || now.Sub(s.free) > maxLate {
			s.free = now
		}
		if i == 0 {
			played.From = s.free
		}
		s.send(frame, i == 0)
		s.free = s.free.Add(FrameDuration)
		played.To, played.Frames = s.free, played.Frames+1
		timer.Reset(time.Until(s.free))
	}
	return played, s.wait(ctx, timer)
}

// wait waits for the timer, and returns an error if the clip has to end before that.
func (s *Source) wait(ctx context.Context, timer *time.Timer) error {
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	switch {
	case s.ctx.Err() != nil:
		return fmt.Errorf("source %s: %w", s.id, errors.Join(ErrGone, context.Cause(s.ctx)))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

// send sends a frame whose time is s.free. The timestamps follow the clock, so that a receiver
// takes what is between two clips for silence (RFC 3550, 5.1).
func (s *Source) send(frame Frame, begins bool) {
	if s.began.IsZero() {
		s.began = s.free
	}
	frames := s.free.Sub(s.began) / FrameDuration
	p := Packet{
		SSRC: s.ssrc, Index: s.sent, Sequence: s.next,
		Timestamp: s.first + uint32(frames)*frameSamples,
		Marker:    begins, PayloadType: opusPayloadType, Payload: frame.Payload, Arrival: s.free,
		HasLevel: true, AudioLevel: frame.Level, Voice: frame.Level < audible,
	}
	s.next++
	s.sent++
	s.track.deliver(&p)
	if s.sent%countEvery == 0 {
		s.track.fanOutCount(s.ssrc, s.sent)
	}
}
