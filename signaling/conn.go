package signaling

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
)

const (
	queueLength = 64 // messages queued for a slow client before its socket is closed
	writeLimit  = 10 * time.Second
	closeLimit  = 5 * time.Second
	// a message longer than protocol.MaxMessage is read up to here, so that it can be answered
	skipLimit = 4 << 20
)

// conn is one WebSocket. The HTTP handler's goroutine reads it. writeLoop's goroutine is the only
// one that writes messages, and closes the socket; pingLoop's only pings. send and close are safe
// for concurrent use and do not block.
type conn struct {
	address string // the client's
	ws      *websocket.Conn
	under   net.Conn // the connection below ws
	queue   chan []byte
	replies chan []byte // unbuffered

	once    sync.Once
	closing chan struct{} // closed by close
	code    websocket.StatusCode
	reason  string // code and reason are set before closing is closed
}

func newConn(ws *websocket.Conn, under net.Conn, address string) *conn {
	ws.SetReadLimit(skipLimit)
	return &conn{
		address: address, ws: ws, under: under, queue: make(chan []byte, queueLength),
		replies: make(chan []byte), closing: make(chan struct{}),
	}
}

// send queues a message. If the queue is full, it closes the socket.
func (c *conn) send(m protocol.ServerMessage) {
	b, ok := c.encode(m)
	if !ok {
		return
	}
	select {
	case <-c.closing:
	case c.queue <- b:
	default:
		c.close(closeCode(protocol.CodeSlow), "messages were not read in time")
	}
}

// reply sends a message in reply to one of the client's. It bypasses the queue and waits until the
// writer takes the message: a client's burst is then read no faster than it is answered, and does
// not fill the queue. A room's loop must not call it, because that must not wait for a client.
func (c *conn) reply(m protocol.ServerMessage) {
	b, ok := c.encode(m)
	if !ok {
		return
	}
	select {
	case <-c.closing:
	case c.replies <- b:
	}
}

func (c *conn) encode(m protocol.ServerMessage) (b []byte, ok bool) {
	b, err := protocol.Encode(m)
	if err != nil {
		c.close(websocket.StatusInternalError, "a message could not be encoded")
	}
	return b, err == nil
}

// close closes the socket after what is queued has been written. Only the first call's code and
// reason are used.
func (c *conn) close(code websocket.StatusCode, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, shorten(reason, maxReason)
		close(c.closing)
	})
}

// closeIfFatal closes the socket with the code of a fatal error.
func (c *conn) closeIfFatal(e *clientError) {
	if e.Fatal {
		c.close(closeCode(e.Code), e.Message)
	}
}

// maxReason is the number of bytes of a reason that fit into a close frame.
const maxReason = 120

// writeLoop writes queued messages and replies until close is called or writing fails.
func (c *conn) writeLoop(ctx context.Context) {
	for {
		var b []byte
		select {
		case b = <-c.queue:
		case b = <-c.replies:
		case <-c.closing:
			limited, cancel := context.WithTimeout(ctx, closeLimit)
			defer cancel()
			for len(c.queue) > 0 {
				if !c.writeMessage(limited, <-c.queue) {
					break
				}
			}
			c.closeHandshake()
			return
		}
		if !c.writeMessage(ctx, b) {
			c.close(websocket.StatusGoingAway, "lost")
			c.closeHandshake()
			return
		}
	}
}

// closeHandshake sends the close frame and waits for the client's, for closeLimit at most even if
// the client sends other data.
func (c *conn) closeHandshake() {
	if c.under.SetDeadline(time.Now().Add(closeLimit)) == nil {
		c.ws.Close(c.code, c.reason) // an error means that the client has gone
	}
	c.ws.CloseNow()
}

// writeMessage reports whether a message was written.
func (c *conn) writeMessage(ctx context.Context, b []byte) bool {
	// an expired context closes the connection, so each write has its own
	limited, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	return c.ws.Write(limited, websocket.MessageText, b) == nil
}

// pingLoop pings until the socket closes. It closes a socket whose client does not answer a ping
// before the next is due.
func (c *conn) pingLoop(ctx context.Context, every time.Duration) {
	next := time.NewTicker(every)
	defer next.Stop()
	for {
		select {
		case <-c.closing:
			return
		case <-next.C:
		}
		limited, cancel := context.WithTimeout(ctx, every)
		err := c.ws.Ping(limited)
		cancel()
		if err != nil {
			c.close(closeCode(protocol.CodeSlow), "no answer to a ping")
		}
	}
}

// readMessage reads and decodes the next message. It returns errSocket when the socket has ended,
// and the protocol's errors for a message that is not valid. A message longer than skipLimit ends
// the socket with status 1009.
func (c *conn) readMessage(ctx context.Context) (protocol.ClientMessage, error) {
	kind, r, err := c.ws.Reader(ctx)
	if err != nil {
		return nil, errSocket
	}
	b, err := io.ReadAll(io.LimitReader(r, protocol.MaxMessage+1))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	switch {
	case err != nil:
		return nil, errSocket
	case kind != websocket.MessageText:
		return nil, fmt.Errorf("%w (text was expected)", protocol.ErrMalformed)
	}
	return protocol.DecodeClient(b)
}
