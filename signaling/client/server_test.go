package client

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// server is a fake hub with one room. It uses the real protocol and a real PeerConnection for each
// participant, on a virtual network. A ticket is the name of a role.
type server struct {
	t    *testing.T
	host *vnet.Net
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex // guards the fields below, and those of the seats
	seats    []*seat
	killed   []*seat // of the processes before this one
	phase    protocol.Phase
	types    []string // of the messages, in the order of their arrival
	received map[string][]arrival
	busy     bool // reject new sockets
	silent   bool // read messages and do not answer them
	refuse   *protocol.Error
	refusing protocol.ErrorCode // the answer to start and finish, unless empty
	tokens   int
	sent     []protocol.Sent

	stopped atomic.Bool // the process is not running
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
	out       map[*seat]*webrtc.TrackLocalStaticRTP // tracks to the others, by receiver
	voice     bool
	offers    uint64
	pending   bool
	dirty     bool
	muted     bool
}

func newServer(t *testing.T, host *vnet.Net) *server {
	s := &server{
		t: t, host: host, received: map[string][]arrival{},
		phase: protocol.Phase{Name: protocol.PhasePreparing, RemainingMS: 180_000},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

func (s *server) close() {
	s.stop()
	s.mu.Lock()
	seats := slices.Concat(s.seats, s.killed)
	s.mu.Unlock()
	for _, p := range seats {
		must(s.t, p.pc.GracefulClose())
	}
	synctest.Wait() // Pion may be calling OnTrack
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
			Code: protocol.CodeResumeUnknown, Message: "the seat is gone", Fatal: true,
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
	s.types = append(s.types, protocol.TypeOf(m))
	s.mu.Unlock()
	return m, nil
}

func (s *server) send(ws *websocket.Conn, m protocol.ServerMessage) {
	b, err := protocol.Encode(m)
	must(s.t, err)
	_ = ws.Write(s.ctx, websocket.MessageText, b) // the socket may be closed
}

func (s *server) broadcast(m protocol.ServerMessage, except *seat) {
	for _, p := range s.seats {
		if p != except {
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
		return s.joinRoom(ws, m)
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

func (s *server) joinRoom(ws *websocket.Conn, m protocol.Join) *seat {
	p := &seat{
		id: m.Ticket, role: protocol.Role(m.Ticket), token: s.token(), ws: ws,
		out: map[*seat]*webrtc.TrackLocalStaticRTP{},
	}
	p.voice = strings.Contains(m.Offer, "a=sendonly")
	p.pc = s.connection()
	p.pc.OnTrack(func(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) { s.listen(p, track, r) })
	must(s.t,
		p.pc.SetRemoteDescription(webrtc.SessionDescription{
			Type: webrtc.SDPTypeOffer, SDP: m.Offer,
		}))
	gathered := webrtc.GatheringCompletePromise(p.pc)
	answer, err := p.pc.CreateAnswer(nil)
	must(s.t, err)
	must(s.t, p.pc.SetLocalDescription(answer))
	<-gathered
	s.send(ws, protocol.Joined{
		ParticipantID: p.id, RoomID: "room", Role: p.role,
		Answer: p.pc.LocalDescription().SDP, ResumeToken: p.token, GraceMS: 20_000,
		Phase: s.phase, Peers: s.peers(p),
	})
	for _, o := range s.seats {
		s.connect(o, p)
		s.connect(p, o)
	}
	s.seats = append(s.seats, p)
	s.broadcast(protocol.PeerJoined{Peer: peer(p)}, p)
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
		media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI},
			webrtc.RTPCodecTypeAudio))
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

// connect forwards from's track to to.
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

// done reports whether an operation on a seat's PeerConnection succeeded. It may fail when the
// client has closed its side in the meantime.
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
		s.received[p.id] = append(s.received[p.id], a)
		for _, out := range p.out {
			_ = out.WriteRTP(packet) // the receiver may be closing
		}
		s.mu.Unlock()
	}
}

// handle reports false when the participant leaves.
func (s *server) handle(p *seat, m protocol.ClientMessage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return true
	}
	switch m := m.(type) {
	case protocol.Answer:
		if m.OfferID != p.offers {
			s.t.Errorf("answer to offer %d, want %d", m.OfferID, p.offers)
		}
		s.done(p,
			p.pc.SetRemoteDescription(webrtc.SessionDescription{
				Type: webrtc.SDPTypeAnswer, SDP: m.SDP,
			}))
		p.pending = false
		if p.dirty {
			p.dirty = false
			s.offer(p, false)
		}
	case protocol.Candidate:
		s.done(p,
			p.pc.AddICECandidate(webrtc.ICECandidateInit{
				Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex,
			}))
	case protocol.RestartICE:
		s.offer(p, true)
	case protocol.Sent:
		s.sent = append(s.sent, m)
	case protocol.Mute:
		p.muted = m.Muted
		s.broadcast(protocol.PeerUpdated{Peer: peer(p)}, p)
	case protocol.Start:
		s.changePhase(p, protocol.Phase{
			Name: protocol.PhasePlaying, RemainingMS: 300_000, Running: true,
		})
	case protocol.Finish:
		s.changePhase(p, protocol.Phase{
			Name: protocol.PhaseEnded, Reason: protocol.ReasonFinished,
		})
	case protocol.Ping:
		s.send(p.ws, protocol.Pong(m))
	case protocol.Leave:
		s.broadcast(protocol.PeerLeft{ParticipantID: p.id, Reason: "left"}, p)
		return false
	}
	return true
}

func (s *server) changePhase(p *seat, phase protocol.Phase) {
	if s.refusing != "" {
		s.send(p.ws, protocol.Error{Code: s.refusing, Message: "not now"})
		return
	}
	s.phase = phase
	s.broadcast(protocol.PhaseChanged{Phase: phase}, nil)
}

func (s *server) peers(except *seat) []protocol.Peer {
	list := []protocol.Peer{}
	for _, o := range s.seats {
		if o != except {
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

// with runs f while the server is locked.
func (s *server) with(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// seat returns a participant.
func (s *server) seat(id string) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.seats, func(p *seat) bool { return p.id == id })
	if i < 0 {
		s.t.Fatalf("%s is not in the room", id)
	}
	return s.seats[i]
}

// dropSocket closes a participant's connection without a close frame.
func (s *server) dropSocket(id string) { _ = s.seat(id).ws.CloseNow() }

func (s *server) arrivals(id string) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received[id])
}

func (s *server) count(message string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(s.types), func(m string) bool {
		return m != message
	}))
}
