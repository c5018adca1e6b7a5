package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
)

const writeLimit = 5 * time.Second

// socket is one WebSocket. Its reader goroutine passes messages on until the socket ends. Only the
// client's loop calls send and close.
type socket struct {
	ws       *websocket.Conn
	messages chan protocol.ServerMessage // closed when the socket ends
	why      error                       // why it ended; set before messages is closed
	stop     context.CancelFunc
}

// dial opens a socket and sends its first message.
func dial(ctx context.Context, cfg Config, first protocol.ClientMessage) (*socket, error) {
	opening := ctx
	if cfg.dialLimit > 0 {
		var cancel context.CancelFunc
		opening, cancel = context.WithTimeout(ctx, cfg.dialLimit)
		defer cancel()
	}
	ws, res, err := websocket.Dial(opening, cfg.URL, &websocket.DialOptions{
		HTTPClient: cfg.HTTPClient,
	})
	if err != nil {
		return nil, dialError(cfg.URL, res, err)
	}
	ws.SetReadLimit(protocol.MaxMessage)
	reading, stop := context.WithCancel(context.Background())
	s := &socket{ws: ws, messages: make(chan protocol.ServerMessage), stop: stop}
	go s.read(reading)
	if err := s.send(ctx, first); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func dialError(url string, res *http.Response, err error) error {
	if res == nil {
		return fmt.Errorf("socket %s: %w", url, err)
	}
	p := problemOf("GET "+url, res)
	if p.Detail == "" {
		p.Detail = err.Error()
	}
	return fmt.Errorf("socket: %w", p)
}

func (s *socket) read(ctx context.Context) {
	defer close(s.messages)
	for {
		kind, b, err := s.ws.Read(ctx)
		if err != nil {
			s.why = err
			return
		}
		if kind != websocket.MessageText {
			continue // not part of the protocol
		}
		m, err := protocol.DecodeServer(b)
		if errors.Is(err, protocol.ErrUnknownType) {
			continue // from a newer server
		}
		if err != nil {
			s.why = fmt.Errorf("%w: %w", errProtocol, err)
			return
		}
		select {
		case s.messages <- m:
		case <-ctx.Done():
			s.why = ctx.Err()
			return
		}
	}
}

// send writes a message. An error means that the socket is lost.
func (s *socket) send(ctx context.Context, m protocol.ClientMessage) error {
	b, err := protocol.Encode(m)
	if err != nil {
		return err
	}
	// an expired context closes the socket, so each write has its own
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	if err := s.ws.Write(ctx, websocket.MessageText, b); err != nil {
		return fmt.Errorf("sending %s: %w", protocol.TypeOf(m), err)
	}
	return nil
}

// close closes the socket without a handshake and waits for the reader.
func (s *socket) close() {
	s.stop()
	s.ws.CloseNow() //nolint:errcheck // it is closed in any case
	for range s.messages {
	}
}

// closeFrame returns the server's close code and reason; false if the socket ended without them.
func closeFrame(err error) (code websocket.StatusCode, reason string, ok bool) {
	var ce websocket.CloseError
	if errors.As(err, &ce) {
		return ce.Code, ce.Reason, true
	}
	return 0, "", false
}
