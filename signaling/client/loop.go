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
	// a socket that receives nothing for three times that long counts as lost
	pingEvery         = time.Second
	firstConnectLimit = 10 * time.Second // before the first ICE restart, if media never connected
	reconnectDelay    = 2 * time.Second  // before the first ICE restart of a lost connection
	retryEvery        = 5 * time.Second  // between tries
)

// run is the client's loop.
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

// serve serves one socket after the other until the participant is gone. It returns why.
func (c *Client) serve(s *socket) error {
	for {
		err := c.serveSocket(s)
		s.close()
		if !errors.Is(err, errCut) && !c.mayRejoin(err) {
			return err
		}
		c.cfg.Log.Info("the socket is lost", "error", err)
		c.link(LinkReconnecting)
		if s, err = c.restore(err); err != nil {
			return err
		}
	}
}

// serveSocket serves one socket to its end.
func (c *Client) serveSocket(s *socket) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	c.last = nil
	c.media.wake() // the media may have changed while there was no socket
	silentPings := 0
	for pings := uint64(1); ; {
		var err error
		select {
		case m, ok := <-s.messages:
			if !ok {
				return endOfSocket(s.why, c.last)
			}
			silentPings = 0
			err = c.receive(s, m)
		case o := <-c.outgoing:
			err = s.send(c.ctx, o.message)
			o.sent <- err
		case <-c.media.woken:
			err = c.followMedia(s)
		case <-c.repair.C:
			err = c.restartICE(s)
		case <-ping.C:
			if silentPings++; silentPings == 3 {
				return fmt.Errorf("%w: nothing was received from the server", errCut)
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
		default: // a failed write: the server's last messages may still be unread
			c.drain(s)
			return endOfSocket(errors.Join(err, s.why), c.last)
		}
	}
}

// errNegotiation is returned for an offer of the server that Pion cannot answer.
var errNegotiation = errors.New("the call could not be set up")

// drain applies the messages that were read before a socket broke.
func (c *Client) drain(s *socket) {
	s.stop()
	for m := range s.messages {
		c.apply(m)
	}
}

// receive handles a message of the server.
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
	case protocol.PhaseChanged:
		wasPlaying := c.state.snapshot().Phase.Name == protocol.PhasePlaying
		c.apply(m)
		if wasPlaying && m.Phase.Name == protocol.PhaseEnded {
			return c.tellCounts(s)
		}
		return nil
	}
	c.apply(m)
	return nil
}

// tellCounts tells the server how much was sent in a play that has just ended: the server waits a
// moment for that, since somebody else may have ended it.
func (c *Client) tellCounts(s *socket) error {
	for _, sent := range c.SentStreams() {
		if err := s.send(c.ctx, sent); err != nil {
			return err
		}
	}
	return nil
}

// apply applies a message to the state and passes it to OnMessage.
func (c *Client) apply(m protocol.ServerMessage) {
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

// followMedia sends new candidates and follows the state of the PeerConnection.
func (c *Client) followMedia(s *socket) error {
	for _, found := range c.media.takeCandidates() {
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
		c.repair.Reset(reconnectDelay)
	}
	switch {
	case up:
		c.repair.Stop()
		c.link(LinkConnected)
	case !c.state.snapshot().mediaAt.IsZero():
		c.link(LinkReconnecting)
	}
	if state == webrtc.PeerConnectionStateFailed {
		return c.restartICE(s)
	}
	return nil
}

// restartICE requests an ICE restart, and another one later if the media is still not connected.
// It returns ErrLost when the grace period is over or the server has closed the media.
func (c *Client) restartICE(s *socket) error {
	switch {
	case c.media.state() == webrtc.PeerConnectionStateClosed:
		return fmt.Errorf("%w: the server has closed the media", ErrLost)
	case time.Since(c.downSince) > c.grace+retryEvery:
		return fmt.Errorf("%w: no media for %v", ErrLost,
			time.Since(c.downSince).Round(time.Second))
	}
	c.repair.Reset(retryEvery)
	c.state.update(func(st *State) { st.restarts++ })
	return s.send(c.ctx, protocol.RestartICE{})
}

// restore returns a new socket after the old one was lost: it resumes the seat and, when that is
// not possible, joins again.
func (c *Client) restore(lost error) (*socket, error) {
	err := lost
	if errors.Is(lost, errCut) {
		patience := c.grace
		if c.cfg.NewTicket != nil {
			patience = resumePatience
		}
		var s *socket
		if s, err = c.resume(lost, patience); err == nil {
			return s, nil
		}
	}
	if c.ctx.Err() != nil || !c.mayRejoin(err) {
		return nil, err
	}
	return c.rejoin()
}

// resume takes the seat again on a new socket. It tries for the given time.
func (c *Client) resume(last error, patience time.Duration) (*socket, error) {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
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
		if isFinal(err) {
			return nil, fmt.Errorf("%w: %w", ErrLost, err)
		}
		last = err
	}
}

func (c *Client) tryResume(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, retryEvery)
	defer cancel()
	restart := c.media.state() != webrtc.PeerConnectionStateConnected
	s, err := dial(ctx, c.joinedWith, protocol.Resume{Token: c.token, RestartICE: restart})
	if err != nil {
		return nil, err
	}
	resumed, err := awaitReply[protocol.Resumed](ctx, s)
	if err != nil {
		s.close()
		return nil, err
	}
	c.token = resumed.ResumeToken
	if restart {
		c.state.update(func(st *State) { st.restarts++ })
		c.repair.Reset(retryEvery)
	}
	c.apply(resumed)
	return s, nil
}

func (c *Client) link(l Link) {
	if c.state.snapshot().Link == l {
		return
	}
	c.state.update(func(s *State) { s.Link = l })
	c.cfg.OnLink(l)
}
