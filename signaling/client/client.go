// Package client is a participant of a room without a browser, built on Pion. REST signs in and
// gets tickets. Client joins a room over WebSocket, sends Opus packets in real time, receives the
// other participants, and reconnects as a browser does: it resumes a lost socket with its resume
// token, and restarts ICE when the media is lost.
package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bedside/signaling/protocol"
	"bedside/store/wait"
)

const joinLimit = 30 * time.Second

// Client is one participant in one room, from Join until Leave or Close, or until the server ends
// it. Its loop owns the socket and negotiates; the methods are safe for concurrent use and pass
// messages to the loop. The caller of Join must call Leave or Close.
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
	outgoing chan outgoing
	reported chan struct{} // closed when the report message has arrived
	done     chan struct{} // closed when everything is released
	err      error         // why the participant is gone; set before done is closed
	speaking sync.Mutex    // held by Speak

	// Owned by run.
	joinedWith Config // of the latest join
	token      string
	last       protocol.ServerMessage // on this socket
	up         bool                   // the media is connected, as last seen
	downSince  time.Time
	repair     *time.Timer // runs while the media is not connected
}

// outgoing is a message that a method passes to the loop.
type outgoing struct {
	message protocol.ClientMessage
	sent    chan error
}

// Join joins a room. With Config.NewTicket it tries again when another server has the room. It may
// return before the media is connected; Connected waits for that. ctx
// limits only the join. It returns a *Refusal if the server sends an error, and a *Problem if the
// server rejects the HTTP request for the socket.
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
	for try := 1; IsOtherNode(err) && cfg.NewTicket != nil; try++ {
		if wait.For(ctx, backoff(try)) != nil {
			break
		}
		if cfg, err = renewTicket(ctx, cfg, m); err == nil {
			c, err = join(ctx, cfg, m)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("join: %w", err), m.close())
	}
	c.began, c.joinedIn = began, time.Since(began)
	return c, nil
}

func join(ctx context.Context, cfg Config, m *media) (*Client, error) {
	s, joined, err := enter(ctx, cfg, m)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, joinedWith: cfg, media: m, state: newBoard(),
		id: joined.ParticipantID, room: joined.RoomID, role: joined.Role,
		grace: time.Duration(joined.GraceMS) * time.Millisecond, token: joined.ResumeToken,
		outgoing: make(chan outgoing), reported: make(chan struct{}), done: make(chan struct{}),
		downSince: time.Now(), repair: time.NewTimer(firstConnectLimit),
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.state.update(func(st *State) {
		st.Phase, st.Peers, st.seats = joined.Phase, sorted(joined.Peers), 1
	})
	go c.run(s)
	return c, nil
}

// enter joins the room with a ticket and connects the media.
func enter(ctx context.Context, cfg Config, m *media) (*socket, protocol.Joined, error) {
	var none protocol.Joined
	offer, err := m.offer(ctx)
	if err != nil {
		return nil, none, err
	}
	s, err := dial(ctx, cfg, protocol.Join{
		Version: protocol.Version, Ticket: cfg.Ticket, Offer: offer,
	})
	if err != nil {
		return nil, none, err
	}
	joined, err := awaitReply[protocol.Joined](ctx, s)
	if err == nil {
		err = m.setAnswer(joined.Answer)
	}
	if err != nil {
		s.close()
		return nil, none, err
	}
	return s, joined, nil
}

// awaitReply reads the answer to the first message of a socket. It returns a *Refusal for a fatal
// error.
func awaitReply[M protocol.ServerMessage](ctx context.Context, s *socket) (M, error) {
	var none M
	var last protocol.ServerMessage
	for {
		select {
		case m, ok := <-s.messages:
			if !ok {
				return none, endOfSocket(s.why, last)
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

// ID returns the participant's id.
func (c *Client) ID() string { return c.id }

// Room returns the room's id, which is the attempt's id.
func (c *Client) Room() string { return c.room }

// Role returns the role that the ticket was for.
func (c *Client) Role() protocol.Role { return c.role }

// Connected waits until the media is connected.
func (c *Client) Connected(ctx context.Context) error {
	_, err := c.Await(ctx, func(s State) bool { return s.media })
	return err
}

// Start ends the preparation and returns when the play has begun: every packet sent after that is
// recorded. Only the candidate may call it.
func (c *Client) Start(ctx context.Context) error {
	s, err := c.request(ctx, protocol.Start{}, func(s State) bool {
		return s.Phase.Name != protocol.PhasePreparing
	})
	if err == nil && s.Phase.Name == protocol.PhaseEnded {
		return fmt.Errorf("the role play has ended: %s", s.Phase.Reason)
	}
	return err
}

// Finish ends the play and returns when it has ended. Before that it waits until the last packet
// can have arrived, and tells the server how many it has sent.
func (c *Client) Finish(ctx context.Context) error {
	if err := c.waitForLastPacket(ctx); err != nil {
		return err
	}
	if err := c.TellSent(ctx, c.SentStreams()...); err != nil {
		return err
	}
	_, err := c.request(ctx, protocol.Finish{}, func(s State) bool {
		return s.Phase.Name == protocol.PhaseEnded
	})
	return err
}

// SentStreams returns how many packets were sent on each RTP stream. Each connection has one.
func (c *Client) SentStreams() []protocol.Sent {
	if c.media.voice == nil {
		return nil
	}
	return c.media.voice.sentStreams()
}

// TellSent tells the server how many packets were sent on RTP streams, so that the report counts
// those that were lost with a connection. Finish and a new join of this client do it by
// themselves; a client that takes the seat of an earlier one tells what that one has sent.
func (c *Client) TellSent(ctx context.Context, streams ...protocol.Sent) error {
	for _, s := range streams {
		if err := c.sendMessage(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// Mute starts or stops withholding what is spoken, and informs the others.
func (c *Client) Mute(ctx context.Context, muted bool) error {
	c.state.update(func(s *State) { s.Muted = muted })
	return c.sendMessage(ctx, protocol.Mute{Muted: muted})
}

// Leave gives up the seat and closes.
func (c *Client) Leave(ctx context.Context) error {
	err := c.sendMessage(ctx, protocol.Leave{})
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

// Close ends the participant without a message, as a crash would: the server keeps the seat for
// the grace period. It waits until everything is released and may be called more than once.
func (c *Client) Close() {
	c.cancel(ErrClosed)
	<-c.done
}

// Done is closed when the participant is gone and everything is released.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns why the participant is gone: nil while it is in the room, after it has left, and
// when the role play is over.
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

// ended returns why the participant is gone. It may be called once done is closed.
func (c *Client) ended() error { return c.err }

// Reported is closed when the server has sent the report message, which State().Report returns.
func (c *Client) Reported() <-chan struct{} { return c.reported }

// Stats contains a participant's counters.
type Stats struct {
	Sent     Sent                `json:"sent"`
	Received map[string]Received `json:"received"` // by participant
	JoinedIn time.Duration       `json:"joined_ns"`
	// from the call of Join until the media was connected; 0 if it never was
	ConnectedIn time.Duration `json:"connected_ns"`
	Resumes     int           `json:"resumes"`
	Rejoins     int           `json:"rejoins"` // joins after the first
	ICERestarts int           `json:"ice_restarts"`
}

// Stats returns the counters up to now.
func (c *Client) Stats() Stats {
	s := c.state.snapshot()
	stats := Stats{
		Received: c.media.received(), JoinedIn: c.joinedIn,
		Resumes: s.seats - 1 - s.rejoins, Rejoins: s.rejoins, ICERestarts: s.restarts,
	}
	if !s.mediaAt.IsZero() {
		stats.ConnectedIn = s.mediaAt.Sub(c.began)
	}
	if c.media.voice != nil {
		stats.Sent = c.media.voice.counts()
	}
	return stats
}

// sendMessage passes a message to the loop, and retries until it was sent on some socket.
func (c *Client) sendMessage(ctx context.Context, m protocol.ClientMessage) error {
	for {
		o := outgoing{m, make(chan error, 1)}
		select {
		case c.outgoing <- o:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.done:
			return c.ended()
		}
		if err := <-o.sent; err == nil {
			return nil
		}
	}
}

// request sends a message and waits until the state shows its effect, or the server sends an
// error. It sends the message again after a resume.
func (c *Client) request(ctx context.Context, m protocol.ClientMessage,
	done func(State) bool) (State, error) {
	s := c.state.snapshot()
	for send := true; !done(s); {
		if send {
			if err := c.sendMessage(ctx, m); err != nil {
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
