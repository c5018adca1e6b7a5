package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout bounds waiting for what must happen; it is not a measurement.
const testTimeout = 20 * time.Second

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// world fakes everything around a hub, in memory: tickets, the database, the bus and presence. The
// database and the bus can be made to fail.
type world struct {
	t   testing.TB
	reg *prometheus.Registry

	mu          sync.Mutex
	tickets     map[string]store.Join
	used        map[string]bool
	ended       map[string]bool // sessions
	attempts    map[string]store.Attempt
	scenario    store.Scenario
	dbErr       error // of the database
	busErr      error // of the bus
	notify      map[string]func(problem string)
	rooms       map[string]store.RoomInfo
	taps        map[string]int // open sinks, by participant
	packets     int            // written to the tap
	failedCalls int            // of the database and the bus

	log chan string // what was stored or published, in order
}

func newWorld(t testing.TB, prepare, play int) *world {
	return &world{
		t: t, reg: prometheus.NewRegistry(), tickets: map[string]store.Join{},
		used: map[string]bool{}, ended: map[string]bool{},
		attempts: map[string]store.Attempt{},
		scenario: store.Scenario{
			PrepareSeconds: prepare, PlaySeconds: play,
		}, notify: map[string]func(string){}, rooms: map[string]store.RoomInfo{},
		taps: map[string]int{}, log: make(chan string, 256),
	}
}

// attempt creates an attempt of the candidate "anna".
func (w *world) attempt(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts[id] = store.Attempt{ID: id, CandidateID: "anna", State: store.AttemptCreated}
	return id
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// ticket creates a ticket.
func (w *world) ticket(attempt, user string, role store.ParticipantRole) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ticket := fmt.Sprintf("ticket-%d", len(w.tickets)+1)
	w.tickets[ticket] = store.Join{
		AttemptID: attempt, UserID: user, SessionID: "session of " + user, Name: "Name of " + user,
		Role: role,
	}
	return ticket
}

func (w *world) Check(_ context.Context, sessionID string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended[sessionID] {
		return fmt.Errorf("the session has ended: %w", store.ErrUnauthenticated)
	}
	return w.dbErr
}

func (w *world) VerifyTicket(_ context.Context, ticket string) (store.Join, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	join, ok := w.tickets[ticket]
	switch {
	case ticket == "expired":
		return join, fmt.Errorf("the ticket has %w", store.ErrExpired)
	case !ok:
		return join, fmt.Errorf("the ticket was not issued here: %w", store.ErrUnauthenticated)
	case w.used[ticket]:
		return join, fmt.Errorf("the ticket was %w", store.ErrReused)
	}
	w.used[ticket] = true
	return join, nil
}

func (w *world) Attempt(_ context.Context, id string) (store.Attempt, store.Scenario, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.attempts[id]
	if !ok {
		return a, w.scenario, store.ErrNotFound
	}
	return a, w.scenario, nil
}

func (w *world) change(what, id string, rule func(*store.Attempt) error) (store.Attempt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.attempts[id]
	if w.dbErr != nil {
		w.failedCalls++
		return a, w.dbErr
	}
	if err := rule(&a); err != nil {
		return a, err
	}
	w.attempts[id] = a
	w.log <- what
	return a, nil
}

func (w *world) PrepareAttempt(_ context.Context, id string,
	now time.Time) (store.Attempt, error) {
	return w.change("prepare", id, func(a *store.Attempt) error { return a.Prepare(now) })
}

func (w *world) StartAttempt(_ context.Context, id string, now time.Time) (store.Attempt, error) {
	return w.change("start", id, func(a *store.Attempt) error { return a.Start(now) })
}

func (w *world) FinishAttempt(_ context.Context, id string, now time.Time) (store.Attempt, error) {
	return w.change("finish", id, func(a *store.Attempt) error { return a.Finish(now) })
}

func (w *world) AbandonAttempt(_ context.Context, id string,
	now time.Time) (store.Attempt, error) {
	return w.change("abandon", id, func(a *store.Attempt) error { return a.Abandon(now) })
}

func (w *world) Begin(_ context.Context, id string, startedAt time.Time) error {
	return w.bus("begin audio")
}

func (w *world) Finish(_ context.Context, id string) error { return w.bus("finish audio") }

func (w *world) bus(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busErr != nil {
		w.failedCalls++
		return w.busErr
	}
	w.log <- what
	return nil
}

func (w *world) Tap(attempt string, startedAt time.Time) sfu.Tap { return tap{w} }

type tap struct{ w *world }

func (t tap) Sink(room, participant string) sfu.Sink {
	t.w.set(func() { t.w.taps[participant]++ })
	return &sink{t.w, participant}
}

type sink struct {
	w           *world
	participant string
}

func (s *sink) WriteRTP(*sfu.Packet) { s.w.set(func() { s.w.packets++ }) }
func (s *sink) Close()               { s.w.set(func() { s.w.taps[s.participant]-- }) }

func (w *world) SubscribeReportReady(_ context.Context, id string,
	notify func(string)) (func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notify[id] = notify
	return func() { w.set(func() { delete(w.notify, id) }) }, nil
}

// report makes the analysis finish.
func (w *world) report(id, problem string) {
	w.mu.Lock()
	notify := w.notify[id]
	w.mu.Unlock()
	if notify == nil {
		w.t.Fatal("the hub has not subscribed to the report")
	}
	notify(problem)
}

func (w *world) RoomOpened(_ context.Context, r store.RoomInfo) error {
	w.set(func() { w.rooms[r.ID] = r })
	return nil
}

func (w *world) RoomUpdated(ctx context.Context,
	r store.RoomInfo) error {
	return w.RoomOpened(ctx, r)
}

func (w *world) RoomClosed(_ context.Context, id string) error {
	w.set(func() { delete(w.rooms, id) })
	return nil
}

// wantRecorded waits for the next entry of the log and checks it.
func (w *world) wantRecorded(what string) {
	w.t.Helper()
	if got := await(w.t, what+" in the log", w.log); got != what {
		w.t.Fatalf("the log has %s; want %s", got, what)
	}
}

// await receives from a channel, or fails the test.
func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(testTimeout):
		t.Fatalf("waited for %s", what)
		panic("unreachable")
	}
}

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
	hub, err := NewHub(cfg, node, w, w, w, w, w, quiet(), w.reg)
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
