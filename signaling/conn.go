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
	queueLength = 64 // messages that wait for a slow reader before its socket is closed
	writeLimit  = 10 * time.Second
	closeLimit  = 5 * time.Second
	// an overlong message is read to its end up to here, so that it can be answered
	skipLimit = 4 << 20
)

// conn is one WebSocket. The HTTP handler's goroutine reads it; write's goroutine is the only one
// that writes messages, and closes it; beat's only pings. send and end are safe for concurrent
// use and do not block.
type conn struct {
	ws    *websocket.Conn
	under net.Conn // of ws
	queue chan []byte
	reply chan []byte // unbuffered

	once   sync.Once
	ending chan struct{} // closed by end
	code   websocket.StatusCode
	reason string // code and reason are set before ending is closed
}

func newConn(ws *websocket.Conn, under net.Conn) *conn {
	ws.SetReadLimit(skipLimit)
	return &conn{
		ws: ws, under: under, queue: make(chan []byte, queueLength), reply: make(chan []byte),
		ending: make(chan struct{}),
	}
}

// send queues a message; a full queue closes the socket.
func (c *conn) send(m protocol.ServerMessage) {
	b, ok := c.encode(m)
	if !ok {
		return
	}
	select {
	case <-c.ending:
	case c.queue <- b:
	default:
		c.end(closeCode(protocol.CodeSlow), "messages were not read in time")
	}
}

// answer sends a message in answer to one of the client's. It waits until the writer takes it,
// past the queue, so that a burst of messages is read no faster than it is answered and leaves
// the queue to the room. Not for a room's loop, which must not wait for a client.
func (c *conn) answer(m protocol.ServerMessage) {
	b, ok := c.encode(m)
	if !ok {
		return
	}
	select {
	case <-c.ending:
	case c.reply <- b:
	}
}

func (c *conn) encode(m protocol.ServerMessage) (b []byte, ok bool) {
	b, err := protocol.Encode(m)
	if err != nil {
		c.end(websocket.StatusInternalError, "a message could not be written")
	}
	return b, err == nil
}

// end closes the socket once what is queued has been written. The first call's code and reason
// count.
func (c *conn) end(code websocket.StatusCode, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, shorten(reason, maxReason)
		close(c.ending)
	})
}

// endIf ends the socket when a refusal is fatal.
func (c *conn) endIf(r *refusal) {
	if r.Fatal {
		c.end(closeCode(r.Code), r.Message)
	}
}

// maxReason is how much text a close frame takes.
const maxReason = 120

// write sends what is queued until end.
func (c *conn) write(ctx context.Context) {
	for {
		var b []byte
		select {
		case b = <-c.queue:
		case b = <-c.reply:
		case <-c.ending:
			limited, cancel := context.WithTimeout(ctx, closeLimit)
			defer cancel()
			for len(c.queue) > 0 {
				if !c.put(limited, <-c.queue) {
					break
				}
			}
			c.cut()
			return
		}
		if !c.put(ctx, b) {
			c.end(websocket.StatusGoingAway, "lost")
			c.cut()
			return
		}
	}
}

// cut closes the socket with what end was given. The other side's answer is waited for only so
// long, whatever else it sends.
func (c *conn) cut() {
	if c.under.SetDeadline(time.Now().Add(closeLimit)) == nil {
		c.ws.Close(c.code, c.reason) // an error means that the other side has gone
	}
	c.ws.CloseNow()
}

func (c *conn) put(ctx context.Context, b []byte) bool {
	// an expired context kills the connection: one for each write
	limited, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	return c.ws.Write(limited, websocket.MessageText, b) == nil
}

// beat pings until end. A ping that is not answered before the next is due ends the socket.
func (c *conn) beat(ctx context.Context, every time.Duration) {
	next := time.NewTicker(every)
	defer next.Stop()
	for {
		select {
		case <-c.ending:
			return
		case <-next.C:
		}
		limited, cancel := context.WithTimeout(ctx, every)
		err := c.ws.Ping(limited)
		cancel()
		if err != nil {
			c.end(closeCode(protocol.CodeSlow), "no answer to a ping")
		}
	}
}

// read takes the next message; errSocket when there will be none. One over skipLimit ends the
// socket with status 1009.
func (c *conn) read(ctx context.Context) (protocol.ClientMessage, error) {
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
