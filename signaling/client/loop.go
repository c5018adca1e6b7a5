package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/signaling/protocol"
	"bedside/store/wait"

	"github.com/pion/webrtc/v4"
)

const (
	// a socket that says nothing for twice that long is taken for lost
	pingEvery     = 10 * time.Second
	firstPatience = 10 * time.Second // before the first connection is tried anew
	patience      = 2 * time.Second  // before a lost connection is
	again         = 5 * time.Second  // between tries
)

// run is the loop.
func (c *Client) run(s *socket) {
	defer close(c.done)
	c.err = c.serve(s)
	c.cancel(c.err)
	c.repair.Stop()
	if err := c.media.close(); err != nil {
		c.cfg.Log.Debug("the connection was closed with an error", "error", err)
	}
	c.link(LinkClosed)
}

// serve goes from socket to socket until there is no way on.
func (c *Client) serve(s *socket) error {
	for {
		err := c.attend(s)
		s.close()
		if !errors.Is(err, errCut) {
			return err
		}
		c.cfg.Log.Info("the socket is lost", "error", err)
		c.link(LinkReconnecting)
		if s, err = c.resume(err); err != nil {
			return err
		}
	}
}

// attend serves one socket to its end.
func (c *Client) attend(s *socket) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	c.last = nil
	c.media.wake() // something may have happened since
	quiet := 0
	for pings := uint64(1); ; {
		var err error
		select {
		case m, ok := <-s.messages:
			if !ok {
				return verdict(s.why, c.last)
			}
			quiet = 0
			err = c.receive(s, m)
		case a := <-c.asks:
			err = s.send(c.ctx, a.message)
			a.sent <- err
		case <-c.media.woken:
			err = c.watch(s)
		case <-c.repair.C:
			err = c.mend(s)
		case <-ping.C:
			if quiet++; quiet == 2 {
				return fmt.Errorf("%w: the server says nothing", errCut)
			}
			err = s.send(c.ctx, protocol.Ping{ID: pings})
			pings++
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
		switch {
		case err == nil:
		case c.ctx.Err() != nil:
			return context.Cause(c.ctx)
		case errors.Is(err, errNegotiation) || errors.Is(err, ErrLost):
			return err
		default: // a failed write: what the server said last is still to be read
			c.drain(s)
			return verdict(errors.Join(err, s.why), c.last)
		}
	}
}

// errNegotiation means that this client cannot do what the server offers.
var errNegotiation = errors.New("the call could not be set up")

// drain takes what has been read of a broken socket into account.
func (c *Client) drain(s *socket) {
	s.stop()
	for m := range s.messages {
		c.note(m)
	}
}

// receive carries out a message of the server.
func (c *Client) receive(s *socket, m protocol.ServerMessage) error {
	switch m := m.(type) {
	case protocol.Offer:
		answer, err := c.media.answer(m.SDP)
		if err != nil {
			return fmt.Errorf("%w: %w", errNegotiation, err)
		}
		return s.send(c.ctx, protocol.Answer{OfferID: m.OfferID, SDP: answer})
	case protocol.Pong:
		return nil
	}
	c.note(m)
	return nil
}

// note takes a message into the state and shows it.
func (c *Client) note(m protocol.ServerMessage) {
	c.last = m
	c.state.update(func(s *State) { s.apply(m) })
	if _, ok := m.(protocol.Report); ok {
		select {
		case <-c.reported:
		default:
			close(c.reported)
		}
	}
	c.cfg.OnMessage(m)
}

// watch sends new candidates and follows the state of the connection.
func (c *Client) watch(s *socket) error {
	for _, found := range c.media.take() {
		m := protocol.Candidate{
			Candidate: found.Candidate, SDPMid: found.SDPMid, SDPMLineIndex: found.SDPMLineIndex,
		}
		if err := s.send(c.ctx, m); err != nil {
			return err
		}
	}
	state := c.media.state()
	up := state == webrtc.PeerConnectionStateConnected
	if up != c.up {
		c.up, c.downSince = up, time.Now()
		c.state.update(func(st *State) {
			st.media = up
			if up && st.mediaAt.IsZero() {
				st.mediaAt = time.Now()
			}
		})
		c.repair.Reset(patience)
	}
	switch {
	case up:
		c.repair.Stop()
		c.link(LinkConnected)
	case !c.state.snapshot().mediaAt.IsZero():
		c.link(LinkReconnecting)
	}
	if state == webrtc.PeerConnectionStateFailed {
		return c.mend(s)
	}
	return nil
}

// mend asks for an ICE restart, until the connection stands again or the server's grace is over.
// A connection that the server has closed cannot be mended.
func (c *Client) mend(s *socket) error {
	switch {
	case c.media.state() == webrtc.PeerConnectionStateClosed:
		return fmt.Errorf("%w: the server has closed the media", ErrLost)
	case time.Since(c.downSince) > c.grace+again:
		return fmt.Errorf("%w: no media for %v", ErrLost,
			time.Since(c.downSince).Round(time.Second))
	}
	c.repair.Reset(again)
	c.state.update(func(st *State) { st.restarts++ })
	return s.send(c.ctx, protocol.RestartICE{})
}

// resume takes the place up on a new socket, for as long as the server keeps it.
func (c *Client) resume(last error) (*socket, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.grace)
	defer cancel()
	for try := 1; ; try++ {
		if err := wait.For(ctx, backoff(try)); err != nil {
			if c.ctx.Err() != nil {
				return nil, context.Cause(c.ctx)
			}
			return nil, fmt.Errorf("%w: %w", ErrLost, last)
		}
		s, err := c.tryResume(ctx)
		if err == nil {
			return s, nil
		}
		c.cfg.Log.Debug("not resumed", "try", try, "error", err)
		if lost(err) {
			return nil, fmt.Errorf("%w: %w", ErrLost, err)
		}
		last = err
	}
}

func (c *Client) tryResume(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, again)
	defer cancel()
	mending := c.media.state() != webrtc.PeerConnectionStateConnected
	s, err := dial(ctx, c.cfg, protocol.Resume{Token: c.token, RestartICE: mending})
	if err != nil {
		return nil, err
	}
	resumed, err := greeting[protocol.Resumed](ctx, s)
	if err != nil {
		s.close()
		return nil, err
	}
	c.token = resumed.ResumeToken
	if mending {
		c.state.update(func(st *State) { st.restarts++ })
		c.repair.Reset(again)
	}
	c.note(resumed)
	return s, nil
}

func (c *Client) link(l Link) {
	if c.state.snapshot().Link == l {
		return
	}
	c.state.update(func(s *State) { s.Link = l })
	c.cfg.OnLink(l)
}
