package signaling

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

// pipes is a listener whose connections are pipes, which work inside a synctest bubble.
type pipes struct {
	came chan net.Conn
	done chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.came:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// socket joins through a WebSocket, reads the answer and nothing after that. It returns the
// underlying connection as well.
func (s *timedRoom) socket(user string, role store.ParticipantRole) (*websocket.Conn, net.Conn) {
	s.t.Helper()
	p := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: s.hub}
	go server.Serve(p)
	here, there := net.Pipe()
	transport := &http.Transport{DialContext: func(context.Context, string,
		string) (net.Conn, error) {
		p.came <- there
		return here, nil
	}}
	ws, _, err := websocket.Dial(s.t.Context(), "ws://bedside/ws", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport},
	})
	must(s.t, err)
	s.t.Cleanup(func() {
		ws.CloseNow()
		server.Close()
		transport.CloseIdleConnections()
	})
	b, err := protocol.Encode(protocol.Join{
		Version: protocol.Version, Ticket: s.ticket("play-1", user, role), Offer: "v=0",
	})
	must(s.t, err)
	must(s.t, ws.Write(s.t.Context(), websocket.MessageText, b))
	_, b, err = ws.Read(s.t.Context())
	must(s.t, err)
	if m, err := protocol.DecodeServer(b); err != nil || protocol.TypeOf(m) != "joined" {
		s.t.Fatalf("%s %v", b, err)
	}
	return ws, here
}

func TestSocketWithoutPongIsLost(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		_, under := s.socket("tutor", store.ParticipantPatient)
		go io.Copy(io.Discard, under) // reads, but never answers
		time.Sleep(15*time.Second + 15*time.Second + 19*time.Second)
		if received(anna, func(protocol.PeerLeft) bool { return true }) {
			t.Fatal("the patient is gone before the grace period is over")
		}
		time.Sleep(time.Second + closeLimit + time.Second)
		if !received(anna, func(m protocol.PeerLeft) bool {
			return m.ParticipantID == "patient"
		}) {
			t.Error("a dead socket keeps its seat")
		}
	})
}

func TestSocketThatAnswersPingsStaysOpen(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		ws, _ := s.socket("anna", store.ParticipantCandidate)
		ctx := ws.CloseRead(t.Context())
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Error("the socket was closed")
		}
	})
}

func TestSocketThatIsNotReadIsClosed(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		ws, _ := s.socket("tutor", store.ParticipantPatient)
		for i := range 2 * queueLength {
			must(t, anna.send(protocol.Mute{Muted: i%2 == 0}))
		}
		synctest.Wait()
		var err error
		for n := 0; err == nil; n++ { // what was queued still arrives
			if _, _, err = ws.Read(t.Context()); n > queueLength+1 {
				t.Fatalf("%d messages were queued", n)
			}
		}
		if code := websocket.CloseStatus(err); int(code) != protocol.CloseCode(protocol.CodeSlow) {
			t.Errorf("the socket ended with %v", err)
		}
		must(t, anna.send(protocol.Mute{})) // the room did not wait for the slow client
	})
}
