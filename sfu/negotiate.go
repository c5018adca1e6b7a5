package sfu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"
)

// gatherTimeout limits waiting for local candidates, which need no network.
const gatherTimeout = 5 * time.Second

// errGather is returned when Pion has not found the local candidates within gatherTimeout.
var errGather = errors.New("local candidates took too long")

// acceptOffer applies the offer of the join and returns the answer, with all candidates and as
// many of the room's tracks as the offer has sections for.
func (p *Participant) acceptOffer(ctx context.Context, offer joinOffer) (string, error) {
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeOffer, SDP: offer.sdp,
	}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadSDP, err)
	}
	for _, mid := range offer.receive {
		if i := slices.IndexFunc(p.pc.GetTransceivers(),
			func(t *webrtc.RTPTransceiver) bool { return t.Mid() == mid }); i >= 0 {
			p.spare = append(p.spare, p.pc.GetTransceivers()[i])
		}
	}
	for _, t := range p.room.others(p) {
		if len(p.spare) == 0 {
			break // the other tracks are offered later
		}
		if err := p.forward(t); err != nil {
			return "", err
		}
	}
	p.dirty = false // everything is in the answer
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadSDP, err)
	}
	return p.describe(ctx, answer, true)
}

// describe sets the local description and returns its SDP with all candidates.
func (p *Participant) describe(ctx context.Context, d webrtc.SessionDescription,
	gather bool) (string, error) {
	if err := p.pc.SetLocalDescription(d); err != nil {
		return "", fmt.Errorf("local description: %w", err)
	}
	if gather {
		timeout := time.NewTimer(gatherTimeout)
		defer timeout.Stop()
		select {
		case <-p.gathered:
		case <-timeout.C:
			return "", errGather
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return withOpusOptions(p.pc.LocalDescription().SDP), nil
}

// reconcile compares the forwarded tracks with the room's tracks and offers the difference.
func (p *Participant) reconcile() {
	if p.closed() {
		return
	}
	tracks := p.room.others(p)
	for t := range p.forwarding {
		if !slices.Contains(tracks, t) {
			p.unforward(t)
		}
	}
	for _, t := range tracks {
		if _, ok := p.forwarding[t]; ok {
			continue
		}
		if err := p.forward(t); err != nil {
			p.log.Error("a track could not be forwarded", "track", t.id, "err", err)
			p.Leave(err)
			return
		}
	}
	p.negotiate()
}

// forward adds a forwarder for a track, on a section of its own. The caller negotiates.
func (p *Participant) forward(t *Track) error {
	f := newForwarder(t, p.inlets)
	transceiver, err := p.section(f)
	if err != nil {
		return fmt.Errorf("forwarding track %s: %w", t.id, err)
	}
	p.forwarding[t] = transceiver
	p.dirty = true
	t.add(f)
	return nil
}

// section returns a spare section for the track, or a new one.
func (p *Participant) section(f *forwarder) (*webrtc.RTPTransceiver, error) {
	if len(p.spare) == 0 {
		return p.pc.AddTransceiverFromTrack(f, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionSendonly,
		})
	}
	sender, err := p.pc.AddTrack(f) // uses the first idle section, which is a spare one
	if err != nil {
		return nil, err
	}
	transceivers := p.pc.GetTransceivers()
	i := slices.IndexFunc(transceivers, func(t *webrtc.RTPTransceiver) bool {
		return t.Sender() == sender
	})
	if i < 0 {
		return nil, errors.New("the connection has no transceiver for the sender")
	}
	p.spare = slices.DeleteFunc(p.spare, func(t *webrtc.RTPTransceiver) bool {
		return t == transceivers[i]
	})
	return transceivers[i], nil
}

// unforward removes the forwarder of a track. Its section is idle from the next offer on.
func (p *Participant) unforward(t *Track) {
	transceiver := p.forwarding[t]
	delete(p.forwarding, t)
	sender := transceiver.Sender()
	if f, ok := sender.Track().(*forwarder); ok {
		t.remove(f)
	}
	if err := p.pc.RemoveTrack(sender); err != nil {
		p.log.Debug("removing a track failed", "track", t.id, "err", err)
	}
	p.retired = append(p.retired, transceiver)
	p.dirty = true
}

// negotiate sends an offer if there is something to offer, no other offer is outstanding, and the
// client has certainly received the answer to its own.
func (p *Participant) negotiate() {
	if !p.dirty || p.pending != nil || p.closed() || !p.reached && !p.restart {
		return
	}
	if err := p.offer(); err != nil {
		p.log.Error("the offer failed", "err", err)
		p.Leave(err)
	}
}

func (p *Participant) offer() error {
	restart := p.restart
	if restart {
		select {
		case <-p.gathered: // from an earlier offer
		default:
		}
		p.candidates = 0
	}
	d, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	text, err := p.describe(context.Background(), d, restart)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	p.dirty, p.restart = false, false
	p.confirming, p.retired = p.retired, nil
	p.offers++
	p.pending = &outstanding{id: p.offers, sdp: text}
	p.handler.Offer(p.pending.id, p.pending.sdp)
	return nil
}

// acceptAnswer applies an answer. After an invalid one the offer stays outstanding, unless Pion
// cannot go back, in which case the participant leaves.
func (p *Participant) acceptAnswer(id uint64, text string) error {
	if p.pending == nil || p.pending.id != id {
		return ErrStaleAnswer
	}
	text, err := parseAnswer(p.pending.sdp, text)
	if err != nil {
		return err
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeAnswer, SDP: text,
	}); err != nil {
		err = fmt.Errorf("%w: %w", ErrBadSDP, err)
		if p.pc.SignalingState() != webrtc.SignalingStateHaveLocalOffer {
			p.Leave(err)
		}
		return err
	}
	p.pending = nil
	p.spare = append(p.spare, p.confirming...)
	p.confirming = nil
	p.negotiate()
	return nil
}
