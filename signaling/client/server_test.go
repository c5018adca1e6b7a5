package client

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"
)

// server is a room that speaks the protocol, with a real PeerConnection for everybody on a
// virtual network. A ticket names the role.
type server struct {
	t    *testing.T
	host *vnet.Net
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex // guards all below, and those of the seats
	seats    []*seat
	phase    protocol.Phase
	got      []string // types of messages, as they came
	heard    map[string][]arrival
	busy     bool // no sockets are taken
	deaf     bool // messages are read and not answered
	refuse   *protocol.Error
	refusing protocol.ErrorCode // start and finish are
	tokens   int
}

type arrival struct {
	at     time.Time
	header rtp.Header
	level  byte
	size   int
}

type seat struct {
	id, token string
	role      protocol.Role
	pc        *webrtc.PeerConnection
	ws        *websocket.Conn
	out       map[*seat]*webrtc.TrackLocalStaticRTP // what goes to others, by listener
	voice     bool
	offers    uint64
	pending   bool
	dirty     bool
	muted     bool
}

func newServer(t *testing.T, host *vnet.Net) *server {
	s := &server{
		t: t, host: host, heard: map[string][]arrival{},
		phase: protocol.Phase{Name: protocol.PhasePreparing, RemainingMS: 180_000},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

func (s *server) close() {
	s.stop()
	s.mu.Lock()
	seats := slices.Clone(s.seats)
	s.mu.Unlock()
	for _, p := range seats {
		must(s.t, p.pc.GracefulClose())
	}
	synctest.Wait() // Pion may have begun to tell of a track
	s.work.Wait()
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	busy, refuse := s.busy, s.refuse
	s.mu.Unlock()
	if busy {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	s.work.Add(1)
	defer s.work.Done()
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer ws.CloseNow() //nolint:errcheck
	ws.SetReadLimit(protocol.MaxMessage)
	first, err := s.read(ws)
	if err != nil {
		return
	}
	if refuse != nil {
		s.send(ws, *refuse)
		//nolint:errcheck
		ws.Close(websocket.StatusCode(protocol.CloseCode(refuse.Code)), refuse.Message)
		return
	}
	p := s.admit(ws, first)
	if p == nil {
		s.send(ws, protocol.Error{
			Code: protocol.CodeResumeUnknown, Message: "the place is gone", Fatal: true,
		})
		//nolint:errcheck
		ws.Close(websocket.StatusCode(protocol.CloseCode(protocol.CodeResumeUnknown)), "")
		return
	}
	for {
		m, err := s.read(ws)
		if err != nil {
			return
		}
		if !s.handle(p, m) {
			ws.Close(websocket.StatusNormalClosure, "you left") //nolint:errcheck
			return
		}
	}
}

func (s *server) read(ws *websocket.Conn) (protocol.ClientMessage, error) {
	_, b, err := ws.Read(s.ctx)
	if err != nil {
		return nil, err
	}
	m, err := protocol.DecodeClient(b)
	if err != nil {
		s.t.Errorf("the client sent %.80q: %v", b, err)
		return nil, err
	}
	s.mu.Lock()
	s.got = append(s.got, protocol.TypeOf(m))
	s.mu.Unlock()
	return m, nil
}

func (s *server) send(ws *websocket.Conn, m protocol.ServerMessage) {
	b, err := protocol.Encode(m)
	must(s.t, err)
	_ = ws.Write(s.ctx, websocket.MessageText, b) // the socket may have been cut
}

func (s *server) tellAll(m protocol.ServerMessage, but *seat) {
	for _, p := range s.seats {
		if p != but {
			s.send(p.ws, m)
		}
	}
}

func (s *server) token() string {
	s.tokens++
	return fmt.Sprintf("token-%d", s.tokens)
}

func (s *server) admit(ws *websocket.Conn, first protocol.ClientMessage) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := first.(type) {
	case protocol.Join:
		return s.admitNew(ws, m)
	case protocol.Resume:
		for _, p := range s.seats {
			if p.token == m.Token {
				p.ws, p.token = ws, s.token()
				s.send(ws, protocol.Resumed{
					ResumeToken: p.token, Phase: s.phase, Peers: s.peers(p),
				})
				if m.RestartICE {
					s.offer(p, true)
				}
				return p
			}
		}
	}
	return nil
}

func (s *server) admitNew(ws *websocket.Conn, m protocol.Join) *seat {
	p := &seat{
		id: m.Ticket, role: protocol.Role(m.Ticket), token: s.token(), ws: ws,
		out: map[*seat]*webrtc.TrackLocalStaticRTP{},
	}
	p.voice = strings.Contains(m.Offer, "a=sendonly")
	p.pc = s.connection()
	p.pc.OnTrack(func(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) { s.listen(p, track, r) })
	must(s.t,
		p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: m.Offer}))
	gathered := webrtc.GatheringCompletePromise(p.pc)
	answer, err := p.pc.CreateAnswer(nil)
	must(s.t, err)
	must(s.t, p.pc.SetLocalDescription(answer))
	<-gathered
	s.send(ws, protocol.Joined{
		ParticipantID: p.id, RoomID: "room", Role: p.role, Answer: p.pc.LocalDescription().SDP, ResumeToken: p.token, GraceMS: 20_000,
		Phase: s.phase, Peers: s.peers(p),
	})
	for _, o := range s.seats {
		s.connect(o, p)
		s.connect(p, o)
	}
	s.seats = append(s.seats, p)
	s.tellAll(protocol.PeerJoined{Peer: peer(p)}, p)
	return p
}

func (s *server) connection() *webrtc.PeerConnection {
	media := &webrtc.MediaEngine{}
	must(s.t, media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		}, PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio))
	must(s.t,
		media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio))
	settings := webrtc.SettingEngine{}
	settings.SetNet(s.host)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetICETimeouts(5*time.Second, time.Minute, time.Second)
	settings.SetFireOnTrackBeforeFirstRTP(true)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	must(s.t, err)
	return pc
}

// connect lets to hear from.
func (s *server) connect(from, to *seat) {
	if !from.voice {
		return
	}
	track, err := webrtc.NewTrackLocalStaticRTP(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", from.id)
	must(s.t, err)
	_, err = to.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
	})
	if !s.done(to, err) {
		return
	}
	from.out[to] = track
	s.offer(to, false)
}

func (s *server) offer(p *seat, restart bool) {
	if p.pending {
		p.dirty = true
		return
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	d, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if !s.done(p, err) || !s.done(p, p.pc.SetLocalDescription(d)) {
		return
	}
	if restart {
		<-gathered
	}
	p.offers++
	p.pending = true
	s.send(p.ws, protocol.Offer{OfferID: p.offers, SDP: p.pc.LocalDescription().SDP})
}

// done tells whether the connection of a seat did something. It may not when the client has
// closed its side meanwhile.
func (s *server) done(p *seat, err error) bool {
	if err != nil && p.pc.SignalingState() == webrtc.SignalingStateClosed {
		return false
	}
	must(s.t, err)
	return true
}

func (s *server) listen(p *seat, track *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	s.work.Go(func() { drain(r.Read) })
	s.work.Add(1)
	defer s.work.Done()
	level := uint8(0)
	for _, e := range r.GetParameters().HeaderExtensions {
		if e.URI == levelURI {
			level = uint8(e.ID)
		}
	}
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		a := arrival{at: time.Now(), header: packet.Header.Clone(), size: len(packet.Payload)}
		if ext := packet.GetExtension(level); len(ext) == 1 {
			a.level = ext[0]
		}
		packet.Extension, packet.Extensions = false, nil
		s.mu.Lock()
		s.heard[p.id] = append(s.heard[p.id], a)
		for _, out := range p.out {
			_ = out.WriteRTP(packet) // the listener may be going
		}
		s.mu.Unlock()
	}
}

// handle reports false when the participant leaves.
func (s *server) handle(p *seat, m protocol.ClientMessage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return true
	}
	switch m := m.(type) {
	case protocol.Answer:
		if m.OfferID != p.offers {
			s.t.Errorf("answer to offer %d, want %d", m.OfferID, p.offers)
		}
		s.done(p,
			p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.SDP}))
		p.pending = false
		if p.dirty {
			p.dirty = false
			s.offer(p, false)
		}
	case protocol.Candidate:
		s.done(p,
			p.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex}))
	case protocol.RestartICE:
		s.offer(p, true)
	case protocol.Mute:
		p.muted = m.Muted
		s.tellAll(protocol.PeerUpdated{Peer: peer(p)}, p)
	case protocol.Start:
		s.turn(p, protocol.Phase{Name: protocol.PhasePlaying, RemainingMS: 300_000, Running: true})
	case protocol.Finish:
		s.turn(p, protocol.Phase{Name: protocol.PhaseEnded, Reason: protocol.ReasonFinished})
	case protocol.Ping:
		s.send(p.ws, protocol.Pong(m))
	case protocol.Leave:
		s.tellAll(protocol.PeerLeft{ParticipantID: p.id, Reason: "left"}, p)
		return false
	}
	return true
}

func (s *server) turn(p *seat, phase protocol.Phase) {
	if s.refusing != "" {
		s.send(p.ws, protocol.Error{Code: s.refusing, Message: "not now"})
		return
	}
	s.phase = phase
	s.tellAll(protocol.PhaseChanged{Phase: phase}, nil)
}

func (s *server) peers(but *seat) []protocol.Peer {
	list := []protocol.Peer{}
	for _, o := range s.seats {
		if o != but {
			list = append(list, peer(o))
		}
	}
	return list
}

func peer(p *seat) protocol.Peer {
	return protocol.Peer{
		ParticipantID: p.id, Name: "Name of " + p.id, Role: p.role, Muted: p.muted,
		Connected: true,
	}
}

// with lets a test look at or change the server.
func (s *server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// seat finds a participant.
func (s *server) seat(id string) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.seats, func(p *seat) bool { return p.id == id })
	if i < 0 {
		s.t.Fatalf("%s is not here", id)
	}
	return s.seats[i]
}

// cut cuts somebody's socket without a word.
func (s *server) cut(id string) { _ = s.seat(id).ws.CloseNow() }

func (s *server) arrivals(id string) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard[id])
}

func (s *server) count(message string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(s.got), func(m string) bool { return m != message }))
}
