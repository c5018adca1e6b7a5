package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"
)

// maxCandidates is how many ICE candidates a client may send between two ICE restarts.
const maxCandidates = 64

// Identity says who joins.
type Identity struct {
	ID, Name string
	Publish  bool // may publish; otherwise only listens
}

// Handler is told what concerns a participant. Its methods are called one at a time by the
// participant's loop: they must not block, nor wait for a call of the same Participant. Gone is
// the last call.
type Handler interface {
	Offer(id uint64, sdp string) // to be answered with Participant.Answer, naming the id
	Connected()                  // media can flow; also after a loss
	Disconnected()               // the connection was lost; the grace runs
	Gone(reason error)           // removed for good, everything is released
}

// Participant is somebody in a room. Its loop alone uses the PeerConnection once the join is
// answered; methods are safe for concurrent use and ask the loop. The room owns it; Leave ends
// it.
type Participant struct {
	who      Identity
	room     *Room
	log      *slog.Logger
	joinedAt time.Time
	reporter uint32 // the SSRC under which we report to it
	inlets   *inlets

	asks   chan func()
	awake  chan struct{} // holds one: tracks or the connection may have changed
	leave  chan error    // holds one: the first reason wins
	ending chan struct{} // closed when the loop has begun to end
	done   chan struct{} // closed when everything is released

	gathered  chan struct{} // holds one: all candidates of this round are known
	connected atomic.Bool   // as last told to the handler

	// Owned by the loop (by Join until the loop starts).
	pc         *webrtc.PeerConnection
	handler    Handler
	forwarding map[*Track]*webrtc.RTPTransceiver
	spare      []*webrtc.RTPTransceiver // idle sections that may carry a track
	// idle since the last offer: spare once the client has confirmed it
	retired    []*webrtc.RTPTransceiver
	confirming []*webrtc.RTPTransceiver // the retired ones that the outstanding offer tells of
	pending    *outstanding
	offers     uint64
	dirty      bool // there is something to offer
	restart    bool // and ICE is to be restarted with it
	reached    bool // the client has connected at least once
	candidates int
	grace      *time.Timer
}

// outstanding is an offer that the client has not answered.
type outstanding struct {
	id  uint64
	sdp string
}

func newParticipant(r *Room, who Identity, h Handler) (*Participant, error) {
	p := &Participant{
		who: who, room: r, handler: h, joinedAt: time.Now(), reporter: rand.Uint32(),
		log:  r.node.log.With("room", r.id, "participant", who.ID),
		asks: make(chan func()), awake: make(chan struct{}, 1), leave: make(chan error, 1),
		ending: make(chan struct{}), done: make(chan struct{}), gathered: make(chan struct{}, 1),
		forwarding: map[*Track]*webrtc.RTPTransceiver{},
	}
	p.inlets = newInlets(func() { p.Leave(ErrTooManyStreams) })
	api, err := r.node.newAPI(p.inlets)
	if err != nil {
		return nil, err
	}
	if p.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	p.pc.OnTrack(p.publish)
	p.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { p.wakeUp() })
	p.pc.OnICEConnectionStateChange(func(webrtc.ICEConnectionState) { p.wakeUp() })
	p.pc.SCTP().Transport().OnStateChange(func(webrtc.DTLSTransportState) { p.wakeUp() })
	p.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			notify(p.gathered)
		}
	})
	return p, nil
}

// notify leaves one token in a channel that holds one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *Participant) wakeUp() { notify(p.awake) }

// publish is called by Pion, in a goroutine of its own, when the client's stream is set up.
func (p *Participant) publish(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	parameters := receiver.GetParameters()
	if !p.who.Publish || len(parameters.Codecs) == 0 {
		return
	}
	ssrc := uint32(remote.SSRC())
	t := newTrack(p, ssrc, parameters.Codecs[0], parameters.HeaderExtensions)
	if !p.room.publish(t) {
		return
	}
	p.inlets.attach(packetio.RTPBufferPacket, ssrc, t.receive)
	p.inlets.attach(packetio.RTCPBufferPacket, ssrc, t.receiveRTCP)
}

// ID of the participant.
func (p *Participant) ID() string { return p.who.ID }

// Done is closed when the participant is gone and everything of it is released.
func (p *Participant) Done() <-chan struct{} { return p.done }

// Leave has the participant leave for that reason (nil means ErrLeft). It does not wait:
// Handler.Gone tells when it has happened.
func (p *Participant) Leave(reason error) {
	if reason == nil {
		reason = ErrLeft
	}
	select {
	case p.leave <- reason:
	default: // it is leaving already
	}
}

// Answer applies the client's answer to the offer with that id. ErrStaleAnswer: that offer is not
// outstanding. ErrBadSDP: it cannot be used.
func (p *Participant) Answer(ctx context.Context, id uint64, sdp string) error {
	return p.ask(ctx, func() error { return p.answered(id, sdp) })
}

// AddCandidate adds an ICE candidate of the client. An empty one, which ends a client's list, is
// accepted.
func (p *Participant) AddCandidate(ctx context.Context, c webrtc.ICECandidateInit) error {
	return p.ask(ctx, func() error { return p.addCandidate(c) })
}

// RestartICE makes the server offer with new ICE credentials, after the outstanding offer, if
// any, is answered. ErrClosedByClient: there is no way back for this connection, only a new join.
func (p *Participant) RestartICE(ctx context.Context) error {
	return p.ask(ctx, func() error {
		if p.closed() {
			return ErrClosedByClient
		}
		p.dirty, p.restart = true, true
		p.negotiate()
		return nil
	})
}

// SetHandler has h told from now on; the old one hears nothing more, not even Gone. An
// outstanding offer is sent to h again.
func (p *Participant) SetHandler(h Handler) error {
	return p.ask(context.Background(), func() error {
		p.handler = h
		if p.pending != nil {
			h.Offer(p.pending.id, p.pending.sdp)
		}
		return nil
	})
}

// ask has the loop do something, and waits for it.
func (p *Participant) ask(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	select {
	case p.asks <- func() { result <- f() }:
	case <-p.ending:
		return ErrGone
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-result // the loop has taken it, and does not block
}

// run is the loop.
func (p *Participant) run() {
	defer close(p.done)
	p.grace = time.NewTimer(p.room.node.cfg.Grace)
	defer p.grace.Stop()
	reason := p.serve()
	close(p.ending)
	p.room.remove(p)
	p.discard()
	p.log.Debug("participant gone", "reason", reason)
	p.handler.Gone(reason)
	p.room.node.participants.Done()
}

func (p *Participant) serve() error {
	p.wakeUp() // tracks may have come since the answer was made
	for {
		select {
		case reason := <-p.leave:
			return reason
		case <-p.grace.C:
			return ErrGraceExpired
		case f := <-p.asks:
			f()
		case <-p.awake:
			p.watchConnection()
			p.reconcile()
		}
	}
}

// watchConnection follows the state of the connection. What happened between two looks at it does
// not matter.
func (p *Participant) watchConnection() {
	up := p.up()
	switch {
	case up == p.connected.Load():
	case up:
		p.grace.Stop()
		p.connected.Store(true)
		if !p.reached {
			p.reached = true
			p.room.node.metrics.join.Observe(time.Since(p.joinedAt).Seconds())
		}
		p.handler.Connected()
		p.negotiate()
	default:
		p.connected.Store(false)
		p.grace.Reset(p.room.node.cfg.Grace)
		p.handler.Disconnected()
	}
}

// up tells whether media can flow. It asks the transports: Pion works out its ConnectionState in
// two goroutines, and the one that knew less may be the last to write it.
func (p *Participant) up() bool {
	ice := p.pc.ICEConnectionState()
	return (ice == webrtc.ICEConnectionStateConnected ||
		ice == webrtc.ICEConnectionStateCompleted) &&
		p.pc.SCTP().Transport().State() == webrtc.DTLSTransportStateConnected && !p.closed()
}

// closed tells whether the client has closed the connection. Its place is still kept for the
// grace, for a new join.
func (p *Participant) closed() bool {
	return p.pc.ConnectionState() == webrtc.PeerConnectionStateClosed ||
		p.pc.SignalingState() == webrtc.SignalingStateClosed
}

func (p *Participant) addCandidate(c webrtc.ICECandidateInit) error {
	if c.Candidate == "" {
		return nil
	}
	if p.candidates++; p.candidates > maxCandidates {
		return ErrTooManyCandidates
	}
	if err := p.pc.AddICECandidate(c); err != nil {
		return fmt.Errorf("%w: %w", ErrBadCandidate, err)
	}
	return nil
}

// discard releases the connection and all that was started for it. It waits for Pion's goroutines.
func (p *Participant) discard() {
	for t := range p.forwarding {
		p.unforward(t)
	}
	if err := p.pc.GracefulClose(); err != nil && !errors.Is(err, context.Canceled) {
		p.log.Debug("connection closed with an error", "err", err)
	}
}
