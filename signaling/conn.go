package signaling

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

const (
	queueLength = 64 // messages that wait for a slow reader before its socket is closed
	writeLimit  = 10 * time.Second
	perSecond   = 30 // messages a client may send for long
	burst       = 100
	mistakes    = 20 // bad messages before the socket is closed
)

// conn is one WebSocket. The HTTP handler's goroutine reads it; write's goroutine is the only writer and closes it. send and end are safe
// for concurrent use.
type conn struct {
	ws    *websocket.Conn
	queue chan []byte

	once   sync.Once
	ending chan struct{} // closed by end
	code   websocket.StatusCode
	reason string // set before ending is closed
}

func newConn(ws *websocket.Conn) *conn {
	return &conn{ws: ws, queue: make(chan []byte, queueLength), ending: make(chan struct{})}
}

// send queues a message; a full queue closes the socket.
func (c *conn) send(m protocol.ServerMessage) {
	b, err := protocol.Encode(m)
	if err != nil {
		c.end(websocket.StatusInternalError, "a message could not be written")
		return
	}
	select {
	case <-c.ending:
	case c.queue <- b:
	default:
		c.end(closeCode(protocol.CodeSlow), "messages were not read in time")
	}
}

// end closes the socket once what is queued has been written. The first call's code and reason count.
func (c *conn) end(code websocket.StatusCode, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, closeReason(reason)
		close(c.ending)
	})
}

// refuse tells an error, and ends the socket when it is fatal.
func (c *conn) refuse(r *refusal) {
	c.send(protocol.Error(*r))
	if r.Fatal {
		c.end(closeCode(r.Code), r.Message)
	}
}

// write sends what is queued, and pings, until end.
func (c *conn) write(ctx context.Context, pingEvery time.Duration) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case b := <-c.queue:
			if !c.put(ctx, b) {
				return
			}
		case <-ping.C:
			if !c.ping(ctx, pingEvery) {
				c.end(closeCode(protocol.CodeSlow), "no answer to a ping")
			}
		case <-c.ending:
			for len(c.queue) > 0 {
				if !c.put(ctx, <-c.queue) {
					return
				}
			}
			c.ws.Close(c.code, c.reason) // an error means that the other side has gone
			return
		}
	}
}

func (c *conn) put(ctx context.Context, b []byte) bool {
	limited, cancel := context.WithTimeout(ctx, writeLimit) // an expired context kills the connection: one for each write
	defer cancel()
	if err := c.ws.Write(limited, websocket.MessageText, b); err != nil {
		c.end(websocket.StatusGoingAway, "lost")
		c.ws.CloseNow()
		return false
	}
	return true
}

func (c *conn) ping(ctx context.Context, limit time.Duration) bool {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.ws.Ping(limited) == nil
}

// ServeHTTP takes a WebSocket from its first message to its close.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := h.cfg.Address(r)
	if !h.enter(address) {
		h.metrics.refused.WithLabelValues(string(protocol.CodeRate)).Inc()
		http.Error(w, "too many connections from this address, or the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer h.leave(address)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: h.cfg.Origins})
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(protocol.MaxMessage)
	c := newConn(ws)
	var writer sync.WaitGroup
	writer.Go(func() { c.write(h.ctx, h.cfg.PingEvery) })
	h.converse(c)
	c.end(websocket.StatusNormalClosure, "")
	writer.Wait()
	ws.CloseNow()
}

func (h *Hub) enter(address string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing || h.perIP[address] >= h.cfg.PerAddress {
		return false
	}
	h.perIP[address]++
	h.work.Add(1)
	h.metrics.sockets.Inc()
	return true
}

func (h *Hub) leave(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.perIP[address]--; h.perIP[address] == 0 {
		delete(h.perIP, address)
	}
	h.metrics.sockets.Dec()
	h.work.Done()
}

// converse seats the client and passes its messages on until the socket ends.
func (h *Hub) converse(c *conn) {
	// A timer rather than a read deadline: an expired read would cut the socket without a word.
	late := time.AfterFunc(h.cfg.FirstWord, func() { h.refuse(c, fatal(protocol.CodeBadMessage, "no join or resume came in time")) })
	first, err := c.read(h.ctx)
	if !late.Stop() || errors.Is(err, errSocket) {
		return
	}
	var s *seat
	if err == nil {
		ctx, cancel := context.WithTimeout(h.ctx, h.cfg.FirstWord)
		s, err = h.admit(ctx, c, first)
		cancel()
	}
	if err != nil {
		h.refuse(c, err)
		return
	}
	h.listen(c, s)
	s.room.post(func() { s.room.lost(s, c) })
}

func (h *Hub) refuse(c *conn, err error) {
	r := refusalOf(err)
	if r.Code == protocol.CodeUnavailable {
		h.log.Warn("a client was turned away", "error", err)
	}
	h.metrics.refused.WithLabelValues(string(r.Code)).Inc()
	c.refuse(r)
}

// listen passes messages to the room, in order, and counts mistakes.
func (h *Hub) listen(c *conn, s *seat) {
	limiter := rate.NewLimiter(perSecond, burst)
	bad := 0
	for {
		m, err := c.read(h.ctx)
		switch {
		case errors.Is(err, errSocket):
			return
		case !limiter.Allow():
			h.refuse(c, fatal(protocol.CodeRate, "too many messages; slow down"))
			return
		case err != nil:
			if bad++; bad > mistakes {
				h.refuse(c, fatal(protocol.CodeBadMessage, "too many bad messages; the last: "+err.Error()))
				return
			}
			h.refuse(c, mild(refusalOf(err).Code, refusalOf(err).Message))
			continue
		}
		if err := s.room.handle(h.ctx, s, c, m); err != nil {
			h.refuse(c, err)
		}
		select {
		case <-c.ending:
			return
		default:
		}
	}
}

// errSocket means that the socket has ended, whoever ended it.
var errSocket = errors.New("the socket has ended")

// read takes the next message; errSocket when there will be none. A message over the limit ends the socket with status 1009.
func (c *conn) read(ctx context.Context) (protocol.ClientMessage, error) {
	kind, b, err := c.ws.Read(ctx)
	switch {
	case err != nil:
		return nil, errSocket
	case kind != websocket.MessageText:
		return nil, fmt.Errorf("%w (text was expected)", protocol.ErrMalformed)
	}
	return protocol.DecodeClient(b)
}
