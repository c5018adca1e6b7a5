package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"
)

// maxCandidates is the maximum number of ICE candidates in a description of a client, and of those
// that it sends separately between two ICE restarts.
const maxCandidates = 64

// Identity describes a participant that joins.
type Identity struct {
	ID, Name string
	Publish  bool // may publish; otherwise it only receives
}

// Handler receives the events of a participant. The participant's loop calls its methods one at a
// time: they must not block or wait for a method of the same Participant. Gone is the last call.
type Handler interface {
	Offer(id uint64, sdp string) // to be answered with Participant.Answer and the same id
	Connected()                  // the media is connected, for the first time or again
	Disconnected()               // the media was lost; the grace period begins
	Gone(reason error)           // removed for good, and everything is released
}

// Participant is a member of a room. Once the join is answered, its loop alone uses the
// PeerConnection; the methods are safe for concurrent use and run in the loop. The room owns it;
// Leave ends it.
type Participant struct {
	who      Identity
	room     *Room
	log      *slog.Logger
	joinedAt time.Time
	reporter uint32 // the SSRC of the reports to it
	inlets   *inlets
	rate     rateLimit // of what it publishes

	calls  chan func()
	awake  chan struct{} // capacity 1: tracks or the connection may have changed
	leave  chan error    // capacity 1: the first reason is used
	ending chan struct{} // closed when the loop begins to end
	done   chan struct{} // closed when everything is released

	gathered  chan struct{} // capacity 1: all candidates of the current offer are known
	connected atomic.Bool   // as last reported to the handler

	// Owned by the loop (by Join until the loop starts).
	pc         *webrtc.PeerConnection
	handler    Handler
	forwarding map[*Track]*webrtc.RTPTransceiver
	spare      []*webrtc.RTPTransceiver // idle sections that may carry a track
	// idle since the last offer; they become spare once the client has confirmed that
	retired    []*webrtc.RTPTransceiver
	confirming []*webrtc.RTPTransceiver // the retired ones in the outstanding offer
	pending    *outstanding
	offers     uint64
	dirty      bool // there is something to offer
	restart    bool // the next offer restarts ICE
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
		log:   r.node.log.With("room", r.id, "participant", who.ID),
		calls: make(chan func()), awake: make(chan struct{}, 1), leave: make(chan error, 1),
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

// notify sends to a channel of capacity 1, unless it is full.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *Participant) wakeUp() { notify(p.awake) }

// publish adds the client's track to the room. Pion calls it in a goroutine of its own.
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

// ID returns the participant's id.
func (p *Participant) ID() string { return p.who.ID }

// Done is closed when the participant is gone and everything is released.
func (p *Participant) Done() <-chan struct{} { return p.done }

// Leave makes the participant leave for a reason (nil means ErrLeft). It does not wait;
// Handler.Gone is called when the participant has left.
func (p *Participant) Leave(reason error) {
	if reason == nil {
		reason = ErrLeft
	}
	select {
	case p.leave <- reason:
	default: // it is leaving already
	}
}

// Answer applies the client's answer to the offer with that id. It returns ErrStaleAnswer if that
// offer is not outstanding, ErrBadSDP for an invalid answer, and ErrGone after the participant
// has left.
func (p *Participant) Answer(ctx context.Context, id uint64, sdp string) error {
	return p.call(ctx, func() error { return p.acceptAnswer(id, sdp) })
}

// AddCandidate checks and counts an ICE candidate of the client. It is not used: like those in
// descriptions, it names an address that may be a stranger's (see withoutCandidates). An empty
// one, which ends the candidates, is accepted. It returns ErrBadCandidate, ErrTooManyCandidates or
// ErrGone.
func (p *Participant) AddCandidate(ctx context.Context, c webrtc.ICECandidateInit) error {
	return p.call(ctx, func() error { return p.addCandidate(c) })
}

// RestartICE makes the server send an offer with new ICE credentials, after the outstanding offer,
// if any, is answered. It returns ErrClosedByClient if the client has closed the connection, which
// then cannot be restored, and ErrGone.
func (p *Participant) RestartICE(ctx context.Context) error {
	return p.call(ctx, func() error {
		if p.closed() {
			return ErrClosedByClient
		}
		p.dirty, p.restart = true, true
		p.negotiate()
		return nil
	})
}

// SetHandler replaces the handler. The old one receives no more events, not even Gone. An
// outstanding offer is passed to h again. It returns ErrGone after the participant has left.
func (p *Participant) SetHandler(h Handler) error {
	return p.call(context.Background(), func() error {
		p.handler = h
		if p.pending != nil {
			h.Offer(p.pending.id, p.pending.sdp)
		}
		return nil
	})
}

// call runs f in the loop and returns its result, or ErrGone once the loop has begun to end.
func (p *Participant) call(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	select {
	case p.calls <- func() { result <- f() }:
	case <-p.ending:
		return ErrGone
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-result // the loop is running f, which does not block
}

// run is the participant's loop.
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
	p.wakeUp() // tracks may have been published since the answer was made
	for {
		select {
		case reason := <-p.leave:
			return reason
		case <-p.grace.C:
			return ErrGraceExpired
		case f := <-p.calls:
			f()
		case <-p.awake:
			p.watchConnection()
			p.reconcile()
		}
	}
}

// watchConnection compares the state of the connection with the one last reported. Changes in
// between do not matter.
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

// up reports whether the media is connected. It checks the transports, because Pion computes its
// ConnectionState in two goroutines, and the one with the older information may write it last.
func (p *Participant) up() bool {
	ice := p.pc.ICEConnectionState()
	return (ice == webrtc.ICEConnectionStateConnected ||
		ice == webrtc.ICEConnectionStateCompleted) &&
		p.pc.SCTP().Transport().State() == webrtc.DTLSTransportStateConnected && !p.closed()
}

// closed reports whether the client has closed the connection. The participant still stays for the
// grace period, for a new join.
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
	if _, err := ice.UnmarshalCandidate(c.Candidate); err != nil {
		return fmt.Errorf("%w: %w", ErrBadCandidate, err)
	}
	return nil
}

// discard closes the connection and removes its forwarders. It waits for Pion's goroutines.
func (p *Participant) discard() {
	for t := range p.forwarding {
		p.unforward(t)
	}
	if err := p.pc.GracefulClose(); err != nil && !errors.Is(err, context.Canceled) {
		p.log.Debug("connection closed with an error", "err", err)
	}
}
