package signaling

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

func TestRejectedTickets(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	stolen := s.ticket(id, "anna", store.ParticipantCandidate)
	s.set(func() { s.used[stolen] = true })
	over := s.attempt("play-2")
	s.set(func() {
		s.attempts[over] = store.Attempt{
			ID: over, CandidateID: "anna", State: store.AttemptReported,
		}
	})
	for _, c := range []struct {
		what, ticket string
		code         protocol.ErrorCode
	}{
		{"forged", "forged", protocol.CodeTicketInvalid},
		{"expired", "expired", protocol.CodeTicketExpired},
		{"used already", stolen, protocol.CodeTicketUsed},
		{
			"another candidate's", s.ticket(id, "eve", store.ParticipantCandidate),
			protocol.CodeTicketInvalid,
		},
		{"for an unknown role", s.ticket(id, "eve", "director"), protocol.CodeTicketInvalid},
		{
			"for a play that has ended", s.ticket(over, "anna", store.ParticipantCandidate),
			protocol.CodeRoomClosed,
		},
		{
			"for an unknown play",
			s.ticket("nowhere", "anna", store.ParticipantCandidate), protocol.CodeRoomClosed,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			client := s.dial(nil)
			client.send(protocol.Join{Version: protocol.Version, Ticket: c.ticket, Offer: "v=0"})
			client.wantError(c.code, true)
			client.wantClose(protocol.CloseCode(c.code))
		})
	}
	if s.node.RoomCount() > 1 {
		t.Errorf("%d media rooms", s.node.RoomCount())
	}
}

func TestInvalidFirstMessages(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	for _, c := range []struct {
		what, text string
		code       protocol.ErrorCode
	}{
		{"not JSON", "hello", protocol.CodeBadMessage},
		{"half a message", `{"type":"join","ticket":"a"`, protocol.CodeBadMessage},
		{"a list", `["join"]`, protocol.CodeBadMessage},
		{"an unknown type", `{"type":"sing"}`, protocol.CodeBadMessage},
		{"no type", `{"ticket":"a"}`, protocol.CodeBadMessage},
		{
			"an unknown field",
			`{"type":"join","version":1,"ticket":"a","offer":"v=0","admin":true}`,
			protocol.CodeBadMessage,
		},
		{
			"another version", `{"type":"join","version":9,"ticket":"a","offer":"v=0"}`,
			protocol.CodeBadMessage,
		},
		{"something else first", `{"type":"start"}`, protocol.CodeBadMessage},
		{
			"an invalid SDP",
			`{"type":"join","version":1,"ticket":"` +
				s.ticket(id, "anna", store.ParticipantCandidate) + `","offer":"v=0"}`,
			protocol.CodeBadSDP,
		},
		{
			"an SDP of 1 MB",
			`{"type":"join","version":1,"ticket":"a","offer":"` +
				strings.Repeat("a=x\\r\\n", 1<<20/6) + `"}`,
			protocol.CodeTooLarge,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			client := s.dial(nil)
			client.write(c.text)
			client.wantError(c.code, true)
			client.wantClose(protocol.CloseCode(c.code))
		})
	}
	s.join(id, "anna", store.ParticipantCandidate) // the server still works
}

func TestBinaryMessageIsRejected(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	c := s.dial(nil)
	must(t, c.ws.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping","id":1}`)))
	c.wantError(protocol.CodeBadMessage, true)
	c.wantClose(protocol.CloseCode(protocol.CodeBadMessage))
}

func TestSocketWithoutFirstMessageIsClosed(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{FirstWord: 20 * time.Millisecond})
	c := s.dial(nil)
	c.wantError(protocol.CodeBadMessage, true)
	c.wantClose(protocol.CloseCode(protocol.CodeBadMessage))
}

func TestEndlessMessageClosesTheSocket(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	c := s.dial(nil)
	w, err := c.ws.Writer(t.Context(), websocket.MessageText)
	must(t, err)
	chunk := []byte(strings.Repeat("a", 1<<16))
	for range 100 { // more than skipLimit
		if _, err = w.Write(chunk); err != nil {
			break
		}
	}
	err = await(t, "the socket to end", c.closed)
	if code := websocket.CloseStatus(err); code != websocket.StatusMessageTooBig && code != -1 {
		t.Errorf("ended with %v", err)
	}
}

func TestInvalidMessagesOfASeatedClient(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	observer := s.join(id, "admin", store.ParticipantObserver)
	for _, c := range []struct {
		what   string
		client *client
		text   string
		code   protocol.ErrorCode
	}{
		{"finish before start", anna, `{"type":"finish"}`, protocol.CodeWrongState},
		{"start by the patient", tutor, `{"type":"start"}`, protocol.CodeWrongState},
		{"start by an observer", observer, `{"type":"start"}`, protocol.CodeWrongState},
		{"finish by an observer", observer, `{"type":"finish"}`, protocol.CodeWrongState},
		{"mute by an observer", observer, `{"type":"mute","muted":true}`, protocol.CodeWrongState},
		{
			"a second join", anna, `{"type":"join","version":1,"ticket":"a","offer":"v=0"}`,
			protocol.CodeWrongState,
		},
		{
			"a stale answer", anna, `{"type":"answer","offer_id":99,"sdp":"v=0"}`,
			protocol.CodeBadSDP,
		},
		{
			"an invalid candidate", anna, `{"type":"candidate","candidate":"candidate:nonsense"}`,
			protocol.CodeBadSDP,
		},
		{"an unknown type", anna, `{"type":"sing"}`, protocol.CodeBadMessage},
		{"not JSON", anna, `sing`, protocol.CodeBadMessage},
	} {
		t.Run(c.what, func(t *testing.T) {
			c.client.write(c.text)
			c.client.wantError(c.code, false)
		})
	}
	anna.send(protocol.Start{})
	tutor.wantPhase(protocol.PhasePlaying, true)
	anna.send(protocol.Start{})
	anna.wantError(protocol.CodeWrongState, false)
	anna.send(protocol.Ping{ID: 7}) // the socket is still open
	next(anna, "the pong", func(m protocol.Pong) bool { return m.ID == 7 })

	tutor.write(`{"type":"answer","offer_id":1,"sdp":"` +
		strings.Repeat("x", protocol.MaxMessage) + `"}`)
	tutor.wantError(protocol.CodeTooLarge, true)
	tutor.wantClose(protocol.CloseCode(protocol.CodeTooLarge))
}

func TestTooManyMessages(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	for _, c := range []struct {
		what, text string
		code       protocol.ErrorCode
	}{
		{"of messages", `{"type":"ping","id":1}`, protocol.CodeRate},
		{"of mistakes", `{"type":"sing"}`, protocol.CodeBadMessage},
	} {
		t.Run(c.what, func(t *testing.T) {
			anna := s.join(id, "anna", store.ParticipantCandidate)
			for range 500 {
				if anna.ws.Write(t.Context(), websocket.MessageText, []byte(c.text)) != nil {
					break
				}
			}
			next(anna, "the fatal error", func(m protocol.Error) bool {
				return m.Fatal && m.Code == c.code
			})
			anna.wantClose(protocol.CloseCode(c.code))
		})
	}
}

func TestOneParticipantPerRole(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	s.join(id, "tutor", store.ParticipantPatient)
	second := s.requestJoin(id, "other tutor", store.ParticipantPatient)
	second.wantError(protocol.CodeRoomFull, true)
	second.wantClose(protocol.CloseCode(protocol.CodeRoomFull))

	for _, user := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		j := s.join(id, user, store.ParticipantObserver).joined
		if !strings.HasPrefix(j.ParticipantID, "observer-") {
			t.Errorf("%+v", j)
		}
	}
	last := s.requestJoin(id, "anna", store.ParticipantCandidate)
	last.wantError(protocol.CodeRoomFull, true)
	last.wantClose(protocol.CloseCode(protocol.CodeRoomFull))
}

func TestObserverReceivesButDoesNotSend(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	observer := s.join(id, "admin", store.ParticipantObserver)
	if track := observer.awaitTrack(); track.StreamID() != "candidate" {
		t.Errorf("stream of %s", track.StreamID())
	}
	loud := s.requestJoin(id, "eve", store.ParticipantObserver)
	m := await(t, "the hub's answer", loud.messages)
	if e, ok := m.(protocol.Error); ok && e.Code != protocol.CodeBadSDP {
		t.Errorf("%+v", e)
	}
	anna.send(protocol.Ping{ID: 1})
	next(anna, "the pong", func(protocol.Pong) bool { return true })
	if len(anna.tracks) != 0 {
		t.Error("an observer's audio was forwarded")
	}
}

func TestAllowedOrigins(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{Origins: []string{"https://practice.example"}})
	own := "http" + strings.TrimPrefix(s.url, "ws")
	for origin, ok := range map[string]bool{
		"": true, own: true, "https://practice.example": true, "http://practice.example": false,
		"https://evil.example": false,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
		ws, res, err := websocket.Dial(ctx, s.url, &websocket.DialOptions{HTTPHeader: header})
		cancel()
		if (err == nil) != ok {
			t.Errorf("origin %q: %v", origin, err)
		}
		if err == nil {
			ws.CloseNow()
		} else if res.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: %s", origin, res.Status)
		}
	}
}

func TestSocketLimitPerAddress(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{PerAddress: 2})
	first := s.dial(nil)
	s.dial(nil)
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if _, res, err := websocket.Dial(ctx, s.url, nil); err == nil || res == nil ||
		res.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("a third socket: %v", err)
	}
	first.write("no message")
	first.wantClose(protocol.CloseCode(protocol.CodeBadMessage))
	for ctx.Err() == nil { // until the server has noticed the close
		if ws, _, err := websocket.Dial(ctx, s.url, nil); err == nil {
			newClient(t, ws)
			return
		}
	}
	t.Error("a closed socket still counts")
}
