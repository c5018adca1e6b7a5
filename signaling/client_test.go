package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
)

// server is a hub on a real media node behind a real HTTP server.
type server struct {
	*world
	hub  *Hub
	node *sfu.Node
	url  string
}

func serve(t testing.TB, w *world, cfg Config) *server {
	t.Helper()
	// with the default grace period, because connecting takes time
	node, err := sfu.NewNode(sfu.Config{IncludeLoopback: true}, quiet(), nil)
	if err != nil {
		t.Fatal(err)
	}
	hub, err := NewHub(cfg, node, w, w, w, w, w, w, quiet(), w.reg)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(hub)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := errors.Join(hub.Close(ctx), node.Close(ctx)); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return &server{world: w, hub: hub, node: node, url: "ws" + strings.TrimPrefix(web.URL, "http")}
}

// client is a participant's browser: a socket and, once it has joined, a PeerConnection. Its
// reader keeps every message.
type client struct {
	t        testing.TB
	ws       *websocket.Conn
	pc       *webrtc.PeerConnection
	messages chan protocol.ServerMessage
	closed   chan error // why the socket ended
	read     chan struct{}
	joined   protocol.Joined
	up       chan struct{} // closed when media is connected
	tracks   chan *webrtc.TrackRemote
	tasks    *sync.WaitGroup
}

// dial opens a WebSocket.
func (s *server) dial(options *websocket.DialOptions) *client {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, s.url, options)
	if err != nil {
		s.t.Fatal(err)
	}
	return newClient(s.t, ws)
}

func newClient(t testing.TB, ws *websocket.Conn) *client {
	ws.SetReadLimit(1 << 20)
	c := &client{
		t: t, ws: ws, messages: make(chan protocol.ServerMessage, 256),
		closed: make(chan error, 1), read: make(chan struct{}),
	}
	go func() {
		defer close(c.read)
		for {
			_, b, err := ws.Read(context.Background())
			if err != nil {
				c.closed <- err
				return
			}
			m, err := protocol.DecodeServer(b)
			if err != nil {
				t.Errorf("the hub sent %q: %v", b, err)
				continue
			}
			c.messages <- m
		}
	}()
	t.Cleanup(func() {
		ws.CloseNow()
		<-c.read
	})
	return c
}

func (c *client) send(m protocol.ClientMessage) {
	c.t.Helper()
	b, err := protocol.Encode(m)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(string(b))
}

func (c *client) write(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// next waits for a message of type M that matches, and skips others.
func next[M protocol.ServerMessage](c *client, what string, match func(M) bool) M {
	c.t.Helper()
	deadline := time.After(testTimeout)
	for {
		select {
		case m := <-c.messages:
			if m, ok := m.(M); ok && (match == nil || match(m)) {
				return m
			}
		case <-deadline:
			select {
			case err := <-c.closed:
				c.t.Fatalf("waited for %s; the socket had ended: %v", what, err)
			default:
				c.t.Fatalf("waited for %s", what)
			}
		}
	}
}

// wantError waits for an error and checks it.
func (c *client) wantError(code protocol.ErrorCode, fatal bool) protocol.Error {
	c.t.Helper()
	e := next[protocol.Error](c, "error "+string(code), nil)
	if e.Code != code || e.Fatal != fatal || e.Message == "" {
		c.t.Fatalf("error %+v; want code %s, fatal %v, and a message", e, code, fatal)
	}
	return e
}

// wantClose waits for the close and checks its code.
func (c *client) wantClose(code int) {
	c.t.Helper()
	err := await(c.t, "the socket to end", c.closed)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || int(closed.Code) != code || closed.Reason == "" {
		c.t.Fatalf("the socket ended with %v; want code %d and a reason", err, code)
	}
}

// wantPhase waits for a phase.
func (c *client) wantPhase(name protocol.PhaseName, running bool) protocol.Phase {
	c.t.Helper()
	return next(c, fmt.Sprintf("%s, running %v", name,
		running), func(m protocol.PhaseChanged) bool {
		return m.Phase.Name == name && m.Phase.Running == running
	}).Phase
}

// offer makes the PeerConnection and returns its offer.
func (c *client) offer(publish bool) string {
	c.t.Helper()
	settings := webrtc.SettingEngine{
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard},
	}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetFireOnTrackBeforeFirstRTP(true)
	engine := &webrtc.MediaEngine{}
	must(c.t, engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		}, PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio))
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(engine)).NewPeerConnection(webrtc.Configuration{})
	must(c.t, err)
	c.pc, c.up, c.tasks = pc, make(chan struct{}), &sync.WaitGroup{}
	c.tracks = make(chan *webrtc.TrackRemote, 8)
	tasks := c.tasks
	c.t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			c.t.Log(err)
		}
		tasks.Wait()
	})
	var once sync.Once
	up := c.up
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(up) })
		}
	})
	tracks := c.tracks
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { tracks <- track })
	if publish {
		mic, err := webrtc.NewTrackLocalStaticSample(
			webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "mic", "mic")
		must(c.t, err)
		sender, err := pc.AddTrack(mic)
		must(c.t, err)
		tasks.Go(func() {
			for b := make([]byte, 1500); ; {
				if _, _, err := sender.Read(b); err != nil {
					return
				}
			}
		})
	} else {
		_, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionRecvonly,
		})
		must(c.t, err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	d, err := pc.CreateOffer(nil)
	must(c.t, err)
	must(c.t, pc.SetLocalDescription(d))
	<-gathered
	return pc.LocalDescription().SDP
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// requestJoin sends a join with a new ticket and an offer that sends audio, whatever the role.
func (s *server) requestJoin(attempt, user string, role store.ParticipantRole) *client {
	s.t.Helper()
	return s.sendJoin(attempt, user, role, true)
}

func (s *server) sendJoin(attempt, user string, role store.ParticipantRole, publish bool) *client {
	s.t.Helper()
	c := s.dial(nil)
	c.send(protocol.Join{
		Version: protocol.Version, Ticket: s.ticket(attempt, user, role), Offer: c.offer(publish),
	})
	return c
}

// join takes a role and waits until media is connected.
func (s *server) join(attempt, user string, role store.ParticipantRole) *client {
	s.t.Helper()
	c := s.sendJoin(attempt, user, role, role != store.ParticipantObserver)
	c.joined = next[protocol.Joined](c, "joined", nil)
	must(s.t, c.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeAnswer, SDP: c.joined.Answer,
	}))
	await(s.t, "media of "+user, c.up)
	return c
}

// answerNextOffer waits for an offer and answers it.
func (c *client) answerNextOffer() protocol.Offer {
	c.t.Helper()
	return c.answerOffer(next[protocol.Offer](c, "an offer", nil))
}

// answerOffer answers an offer.
func (c *client) answerOffer(o protocol.Offer) protocol.Offer {
	c.t.Helper()
	must(c.t, c.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeOffer, SDP: o.SDP,
	}))
	d, err := c.pc.CreateAnswer(nil)
	must(c.t, err)
	must(c.t, c.pc.SetLocalDescription(d))
	c.send(protocol.Answer{OfferID: o.OfferID, SDP: c.pc.LocalDescription().SDP})
	return o
}

// awaitTrack waits for a remote track. It comes with the join's answer or, when it was published
// later, with an offer.
func (c *client) awaitTrack() *webrtc.TrackRemote {
	c.t.Helper()
	deadline := time.After(testTimeout)
	for {
		select {
		case track := <-c.tracks:
			return track
		case m := <-c.messages:
			if o, ok := m.(protocol.Offer); ok {
				c.answerOffer(o)
			}
		case <-deadline:
			c.t.Fatal("waited for a track")
		}
	}
}

// dropSocket closes the connection without a close frame. The media stays connected.
func (c *client) dropSocket() {
	c.ws.CloseNow()
	<-c.read
}

// resume opens a new socket for the client's seat.
func (s *server) resume(c *client, token string) *client {
	n := s.dial(nil)
	n.pc, n.up, n.tracks, n.joined = c.pc, c.up, c.tracks, c.joined
	n.send(protocol.Resume{Token: token})
	return n
}
