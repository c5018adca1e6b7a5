// Package client is a headless participant of a room, on Pion: it signs in and asks for tickets
// over REST, joins over WebSocket, speaks Opus packets in real time, hears the others, and mends
// what is lost as a browser does.
package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bedside/signaling/protocol"
)

const joinLimit = 30 * time.Second

// Client is one participant in one room, from Join to Leave or Close, or until the server ends
// it. Its loop owns the socket and negotiates; methods are safe for concurrent use and ask the
// loop. Whoever joined closes it.
type Client struct {
	cfg   Config
	media *media
	state *board

	id, room string
	role     protocol.Role
	grace    time.Duration
	began    time.Time
	joinedIn time.Duration

	ctx      context.Context // ends with Close
	cancel   context.CancelCauseFunc
	asks     chan ask
	reported chan struct{} // closed when the report is told
	done     chan struct{} // closed when everything is released
	err      error         // why; set before done is closed
	speaking sync.Mutex    // held by Speak

	// Owned by run.
	token     string
	last      protocol.ServerMessage // on this socket
	up        bool                   // the media stands, as last seen
	downSince time.Time
	repair    *time.Timer // runs while the media does not stand
}

// ask is a message that a method wants to be sent.
type ask struct {
	message protocol.ClientMessage
	sent    chan error
}

// Join joins a room. The media may still be on its way when it returns: Connected waits for it.
// ctx limits the joining only. What the server refuses is a *Refusal; what the HTTP request for
// the socket is refused with, a *Problem.
func Join(ctx context.Context, cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	began := time.Now()
	m, err := newMedia(cfg)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	c, err := join(ctx, cfg, m)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("join: %w", err), m.close())
	}
	c.began, c.joinedIn = began, time.Since(began)
	return c, nil
}

func join(ctx context.Context, cfg Config, m *media) (*Client, error) {
	offer, err := m.offer(ctx)
	if err != nil {
		return nil, err
	}
	s, err := dial(ctx, cfg, protocol.Join{
		Version: protocol.Version, Ticket: cfg.Ticket, Offer: offer,
	})
	if err != nil {
		return nil, err
	}
	joined, err := greeting[protocol.Joined](ctx, s)
	if err == nil {
		err = m.answered(joined.Answer)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	c := &Client{
		cfg: cfg, media: m, state: newBoard(), id: joined.ParticipantID, room: joined.RoomID, role: joined.Role,
		grace: time.Duration(joined.GraceMS) * time.Millisecond, token: joined.ResumeToken,
		asks: make(chan ask), reported: make(chan struct{}), done: make(chan struct{}), downSince: time.Now(), repair: time.NewTimer(firstPatience),
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.state.update(func(st *State) {
		st.Phase, st.Peers, st.seats = joined.Phase, sorted(joined.Peers), 1
	})
	go c.run(s)
	return c, nil
}

// greeting reads the answer to the first message.
func greeting[M protocol.ServerMessage](ctx context.Context, s *socket) (M, error) {
	var none M
	var last protocol.ServerMessage
	for {
		select {
		case m, ok := <-s.messages:
			if !ok {
				return none, verdict(s.why, last)
			}
			if m, ok := m.(M); ok {
				return m, nil
			}
			if e, ok := m.(protocol.Error); ok && e.Fatal {
				r := Refusal(e)
				return none, &r
			}
			last = m
		case <-ctx.Done():
			return none, fmt.Errorf("no answer to the first message: %w", context.Cause(ctx))
		}
	}
}

// ID is the participant's id; Room the room's, which is the attempt's; Role the part that was
// given.
func (c *Client) ID() string          { return c.id }
func (c *Client) Room() string        { return c.room }
func (c *Client) Role() protocol.Role { return c.role }

// Connected waits until media can flow.
func (c *Client) Connected(ctx context.Context) error {
	_, err := c.Await(ctx, func(s State) bool { return s.media })
	return err
}

// Start ends the preparation, and returns when the play has begun, and so every packet from now
// on is recorded. The candidate's alone.
func (c *Client) Start(ctx context.Context) error {
	s, err := c.request(ctx, protocol.Start{}, func(s State) bool {
		return s.Phase.Name != protocol.PhasePreparing
	})
	if err == nil && s.Phase.Name == protocol.PhaseEnded {
		return fmt.Errorf("the role play has ended: %s", s.Phase.Reason)
	}
	return err
}

// Finish ends the play, and returns when it has ended. It waits until what was said last can have
// arrived.
func (c *Client) Finish(ctx context.Context) error {
	if err := c.settle(ctx); err != nil {
		return err
	}
	_, err := c.request(ctx, protocol.Finish{}, func(s State) bool {
		return s.Phase.Name == protocol.PhaseEnded
	})
	return err
}

// Mute withholds what is spoken from now on, or no longer, and tells the others.
func (c *Client) Mute(ctx context.Context, muted bool) error {
	c.state.update(func(s *State) { s.Muted = muted })
	return c.tell(ctx, protocol.Mute{Muted: muted})
}

// Leave gives the place up, and closes.
func (c *Client) Leave(ctx context.Context) error {
	err := c.tell(ctx, protocol.Leave{})
	if err == nil {
		select {
		case <-c.done:
		case <-ctx.Done():
		}
	}
	c.Close()
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// Close ends the participant without a word, as a crash would: the server keeps its place for the
// grace. It waits until everything is released, and may be called more than once.
func (c *Client) Close() {
	c.cancel(ErrClosed)
	<-c.done
}

// Done is closed when the participant has gone and everything is released.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err says why the participant has gone: nil when it is still there, has left, or when the room
// has ended as it should.
func (c *Client) Err() error {
	select {
	case <-c.done:
		if !errors.Is(c.err, ErrClosed) {
			return c.err
		}
	default:
	}
	return nil
}

// ended is why nothing can be done any more. done is closed.
func (c *Client) ended() error { return c.err }

// Reported is closed when the server has told of the report; State().Report has it.
func (c *Client) Reported() <-chan struct{} { return c.reported }

// Stats are a participant's counters.
type Stats struct {
	Sent     Sent                `json:"sent"`
	Received map[string]Received `json:"received"` // by participant
	JoinedIn time.Duration       `json:"joined_ns"`
	// from Join's call until media could flow; 0: never
	ConnectedIn time.Duration `json:"connected_ns"`
	Resumes     int           `json:"resumes"`
	ICERestarts int           `json:"ice_restarts"`
}

// Stats counts what has happened so far.
func (c *Client) Stats() Stats {
	s := c.state.snapshot()
	stats := Stats{
		Received: c.media.received(), JoinedIn: c.joinedIn, Resumes: s.seats - 1,
		ICERestarts: s.restarts,
	}
	if !s.mediaAt.IsZero() {
		stats.ConnectedIn = s.mediaAt.Sub(c.began)
	}
	if c.media.voice != nil {
		stats.Sent = c.media.voice.counts()
	}
	return stats
}

// tell has the loop send a message, once there is a socket.
func (c *Client) tell(ctx context.Context, m protocol.ClientMessage) error {
	for {
		a := ask{m, make(chan error, 1)}
		select {
		case c.asks <- a:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.done:
			return c.ended()
		}
		if err := <-a.sent; err == nil {
			return nil
		}
	}
}

// request sends a message and waits until the state shows its effect, or the server refuses.
// After a resume it is sent again.
func (c *Client) request(ctx context.Context, m protocol.ClientMessage,
	done func(State) bool) (State, error) {
	s := c.state.snapshot()
	for send := true; !done(s); {
		if send {
			if err := c.tell(ctx, m); err != nil {
				return s, err
			}
		}
		before := s
		var err error
		s, err = c.Await(ctx, func(now State) bool {
			return done(now) || now.refusals != before.refusals || now.seats != before.seats
		})
		if err != nil {
			return s, err
		}
		if s.refusals != before.refusals && s.refusal.Code != protocol.CodeBadSDP && !done(s) {
			r := Refusal(*s.refusal)
			return s, &r
		}
		send = s.seats != before.seats
	}
	return s, nil
}
