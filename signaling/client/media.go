package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// gatherLimit is how long an offer waits for ICE candidates. Later candidates are sent one by one.
const gatherLimit = 250 * time.Millisecond

// media is a participant's PeerConnection, and after a new join the next one. The client's loop
// negotiates, and Join before that runs. close is safe for concurrent use.
type media struct {
	cfg   Config
	pc    *webrtc.PeerConnection
	voice *microphone // nil if the participant only listens
	woken chan struct{}

	mu         sync.Mutex                // guards the fields below
	candidates []webrtc.ICECandidateInit // found, not sent yet
	streams    []*stream
	closed     bool
	readers    sync.WaitGroup
}

// stream is an incoming RTP stream.
type stream struct {
	from string
	mu   sync.Mutex // guards tally
	tally
}

func newMedia(cfg Config) (*media, error) {
	pc, err := newConnection(cfg)
	if err != nil {
		return nil, err
	}
	m := &media{cfg: cfg, woken: make(chan struct{}, 1)}
	m.use(pc)
	if err := m.prepare(); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// renew replaces the connection by a new one, for a new join. What is spoken and what was received
// so far stay.
func (m *media) renew(cfg Config) error {
	if err := m.pc.GracefulClose(); err != nil {
		cfg.Log.Debug("the old connection was closed with an error", "error", err)
	}
	pc, err := newConnection(cfg)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.candidates = nil
	m.mu.Unlock()
	m.use(pc)
	return m.prepare()
}

// use makes pc the connection.
func (m *media) use(pc *webrtc.PeerConnection) {
	m.pc = pc
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { m.wake() })
	pc.OnICECandidate(m.addCandidate)
	pc.OnTrack(m.readTrack)
}

// prepare adds the offer's only section.
func (m *media) prepare() error {
	if m.cfg.Listen {
		_, err := m.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionRecvonly,
		})
		return err
	}
	if m.voice == nil {
		m.voice = newMicrophone()
	}
	t, err := m.pc.AddTransceiverFromTrack(m.voice, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
	})
	if err != nil {
		return err
	}
	m.readers.Go(func() { drain(t.Sender().Read) })
	return nil
}

// drain reads RTCP, because Pion's interceptors only see what is read.
func drain(read func([]byte) (int, interceptor.Attributes, error)) {
	b := make([]byte, 1500)
	for {
		if _, _, err := read(b); err != nil {
			return
		}
	}
}

func (m *media) wake() {
	select {
	case m.woken <- struct{}{}:
	default:
	}
}

func (m *media) addCandidate(c *webrtc.ICECandidate) {
	if c == nil {
		return
	}
	m.mu.Lock()
	m.candidates = append(m.candidates, c.ToJSON())
	m.mu.Unlock()
	m.wake()
}

// takeCandidates returns the candidates that were found since the last call.
func (m *media) takeCandidates() []webrtc.ICECandidateInit {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.candidates
	m.candidates = nil
	return list
}

// offer returns the offer of the join, with the candidates that are found within gatherLimit.
func (m *media) offer(ctx context.Context) (string, error) {
	gathered := webrtc.GatheringCompletePromise(m.pc)
	d, err := m.pc.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("offer: %w", err)
	}
	if err := m.pc.SetLocalDescription(d); err != nil {
		return "", fmt.Errorf("offer: %w", err)
	}
	late := time.NewTimer(gatherLimit)
	defer late.Stop()
	select {
	case <-gathered:
	case <-late.C:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	text := m.pc.LocalDescription().SDP
	m.mu.Lock()
	defer m.mu.Unlock()
	m.candidates = slices.DeleteFunc(m.candidates, func(c webrtc.ICECandidateInit) bool {
		return strings.Contains(text, c.Candidate)
	})
	return text, nil
}

// setAnswer applies the server's answer to the offer.
func (m *media) setAnswer(text string) error {
	if err := m.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeAnswer, SDP: text,
	}); err != nil {
		return fmt.Errorf("the server's answer: %w", err)
	}
	return nil
}

// answer applies an offer of the server and returns the answer.
func (m *media) answer(offer string) (string, error) {
	if err := m.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeOffer, SDP: offer,
	}); err != nil {
		return "", fmt.Errorf("the server's offer: %w", err)
	}
	d, err := m.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	if err := m.pc.SetLocalDescription(d); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	return m.pc.LocalDescription().SDP, nil
}

func (m *media) state() webrtc.PeerConnectionState { return m.pc.ConnectionState() }

// readTrack reads a track to its end. Pion calls it in a goroutine of its own.
func (m *media) readTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	s := &stream{from: track.StreamID()}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.streams = append(m.streams, s)
	m.readers.Add(1)
	m.readers.Go(func() { drain(receiver.Read) })
	m.mu.Unlock()
	defer m.readers.Done()
	level := levelExtension(receiver)
	b := make([]byte, 1500)
	var p rtp.Packet
	for {
		n, _, err := track.Read(b)
		if err != nil {
			return // the track has ended
		}
		if p.Unmarshal(b[:n]) != nil {
			continue // impossible: Pion has parsed it before
		}
		now := time.Now()
		s.mu.Lock()
		fresh := s.add(p.SequenceNumber, len(p.Payload), now)
		s.mu.Unlock()
		if fresh {
			if e := p.GetExtension(level); len(e) == 1 {
				m.cfg.OnLevel(s.from, e[0]&0x7f, now)
			}
			m.cfg.OnRTP(s.from, &p)
		}
	}
}

// levelExtension returns the id of the audio level header extension; 0, which no extension has,
// when it was not agreed.
func levelExtension(receiver *webrtc.RTPReceiver) uint8 {
	for _, e := range receiver.GetParameters().HeaderExtensions {
		if e.URI == levelURI {
			return uint8(e.ID)
		}
	}
	return 0
}

// received returns the sums of each participant's streams.
func (m *media) received() map[string]Received {
	m.mu.Lock()
	streams := slices.Clone(m.streams)
	m.mu.Unlock()
	sums := map[string]Received{}
	for _, s := range streams {
		s.mu.Lock()
		sums[s.from] = sums[s.from].plus(s.Received)
		s.mu.Unlock()
	}
	return sums
}

// close ends the connection and waits for all goroutines.
func (m *media) close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	err := m.pc.GracefulClose()
	m.readers.Wait()
	return err
}
