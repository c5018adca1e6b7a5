package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"bedside/signaling/protocol"
	"bedside/store/wait"
)

const (
	// resumePatience is how long a client that can join again tries to resume first. The server
	// that has the seat may be gone for good.
	resumePatience = time.Second
	// rejoinPatience is how long a client tries to join again.
	rejoinPatience = 90 * time.Second
	rejoinLimit    = 10 * time.Second // for one try
	dialLimit      = 2 * time.Second  // for the socket of one try: the ticket's server may be gone
	rejoinPause    = 2 * time.Second  // between tries, at most
)

// JoinWithTickets gets a ticket and joins, and later joins again with new tickets when it must. If
// no server takes the room, or the ticket's server is gone, it tries again with a new ticket until
// ctx ends. It returns the last error then, or the one that no other try can change. change may
// adapt the configuration.
func JoinWithTickets(ctx context.Context, newTicket func(context.Context) (Ticket, error),
	change ...func(*Config)) (*Client, error) {
	for try := 1; ; try++ {
		ticket, err := newTicket(ctx)
		if err == nil {
			cfg := ticket.Config()
			cfg.NewTicket, cfg.dialLimit = newTicket, dialLimit
			for _, f := range change {
				f(&cfg)
			}
			var c *Client
			if c, err = Join(ctx, cfg); err == nil {
				return c, nil
			}
		}
		if refusedForGood(err) || wait.For(ctx, min(backoff(try), rejoinPause)) != nil {
			return nil, err
		}
	}
}

// mayRejoin reports whether a new join may help after an error that ended a socket or a resume.
func (c *Client) mayRejoin(err error) bool {
	if c.cfg.NewTicket == nil || c.state.snapshot().Phase.Name == protocol.PhaseEnded {
		return false
	}
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code == protocol.CodeResumeUnknown || r.Code == protocol.CodeOtherNode
	}
	return errors.Is(err, ErrLost) || errors.Is(err, ErrServerClosing)
}

// rejoin joins the room again with a new ticket and a new connection. It tries until
// rejoinPatience is over or the server refuses for good.
func (c *Client) rejoin() (*socket, error) {
	ctx, cancel := context.WithTimeout(c.ctx, rejoinPatience)
	defer cancel()
	for try := 1; ; try++ {
		s, err := c.tryRejoin(ctx)
		if err == nil {
			return s, nil
		}
		c.cfg.Log.Debug("not joined again", "try", try, "error", err)
		over := refusedForGood(err) ||
			wait.For(ctx, min(backoff(try), rejoinPause)) != nil
		switch {
		case c.ctx.Err() != nil:
			return nil, context.Cause(c.ctx)
		case over:
			return nil, fmt.Errorf("%w: joining again: %w", ErrLost, err)
		}
	}
}

func (c *Client) tryRejoin(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, rejoinLimit)
	defer cancel()
	cfg, err := renewTicket(ctx, c.cfg, c.media)
	if err != nil {
		return nil, err
	}
	s, joined, err := enter(ctx, cfg, c.media)
	if err != nil {
		return nil, err
	}
	c.joinedWith, c.token = cfg, joined.ResumeToken
	c.up, c.downSince = false, time.Now()
	c.repair.Reset(firstConnectLimit)
	muted := c.state.update(func(st *State) {
		st.Phase, st.Peers, st.media = joined.Phase, sorted(joined.Peers), false
		st.seats++
		st.rejoins++
	}).Muted
	var again []protocol.ClientMessage
	if muted {
		again = append(again, protocol.Mute{Muted: true})
	}
	for _, sent := range c.SentStreams() {
		again = append(again, sent)
	}
	for _, m := range again {
		if err := s.send(ctx, m); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// renewTicket gets a new ticket and prepares the media for a new join with it.
func renewTicket(ctx context.Context, cfg Config, m *media) (Config, error) {
	ticket, err := cfg.NewTicket(ctx)
	if err != nil {
		return cfg, err
	}
	cfg.URL, cfg.Ticket, cfg.ICEServers = ticket.URL, ticket.Ticket, ticket.ICEServers
	cfg.dialLimit = dialLimit
	return cfg, m.renew(cfg)
}

// IsOtherNode reports whether err is the refusal of a join because another server has the room. A
// new ticket names that server.
func IsOtherNode(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Code == protocol.CodeOtherNode
}

// refusedForGood reports whether another try to join cannot succeed.
func refusedForGood(err error) bool {
	var r *Refusal
	if errors.As(err, &r) {
		return !slices.Contains(append(resumable(), protocol.CodeTicketExpired,
			protocol.CodeTicketUsed, protocol.CodeOtherNode), r.Code)
	}
	var p *Problem
	if errors.As(err, &p) {
		return p.Status >= 400 && p.Status < 500 && p.Status != http.StatusTooManyRequests
	}
	return errors.Is(err, errProtocol)
}
