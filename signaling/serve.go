package signaling

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"bedside/signaling/protocol"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

const (
	perSecond = 30 // messages a client may send for long
	burst     = 100
	mistakes  = 20 // bad messages before the socket is closed
)

// errSocket means that the socket has ended, whoever ended it.
var errSocket = errors.New("the socket has ended")

// ServeHTTP takes a WebSocket from its first message to its close.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := h.cfg.Address(r)
	if status, problem := h.enter(address); status != 0 {
		h.metrics.turnedAway.Inc()
		http.Error(w, problem, status)
		return
	}
	defer h.leave(address)
	caught := &catcher{ResponseWriter: w}
	ws, err := websocket.Accept(caught, r, &websocket.AcceptOptions{OriginPatterns: h.cfg.Origins})
	if err != nil {
		h.metrics.turnedAway.Inc()
		h.log.Debug("no WebSocket", "address", address, "error", err)
		return // Accept has answered
	}
	c := newConn(ws, caught.conn)
	var both sync.WaitGroup
	both.Go(func() { c.write(h.ctx) })
	both.Go(func() { c.beat(h.ctx, h.cfg.PingEvery) })
	h.converse(c)
	c.end(websocket.StatusNormalClosure, "")
	both.Wait()
}

// catcher keeps the connection that Accept hijacks, for its deadlines.
type catcher struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack is for Accept.
func (c *catcher) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(c.ResponseWriter).Hijack()
	c.conn = conn
	return conn, rw, err
}

// enter counts a socket, or says why there is no room for it.
func (h *Hub) enter(address string) (status int, problem string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closing:
		return http.StatusServiceUnavailable, shuttingDown
	case h.perIP[address] >= h.cfg.PerAddress:
		return http.StatusTooManyRequests, "too many connections from this address"
	}
	h.perIP[address]++
	h.work.Add(1)
	h.metrics.sockets.Inc()
	return 0, ""
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
	s, err := h.receive(c)
	switch {
	case errors.Is(err, errSocket):
	case err != nil:
		h.refuse(c, err)
	default:
		h.listen(c, s)
		s.room.post(func() { s.room.lost(s, c) })
	}
}

// receive waits for the first message and seats its sender.
func (h *Hub) receive(c *conn) (*seat, error) {
	// Not a read deadline: an expired read would cut the socket without a word.
	late := time.AfterFunc(h.cfg.FirstWord, func() {
		h.refuse(c, fatal(protocol.CodeBadMessage, "no join or resume came in time"))
	})
	defer late.Stop()
	keep := context.AfterFunc(h.closed, func() { // from here on the room tells
		c.send(protocol.Closing{Reason: shuttingDown})
		c.end(websocket.StatusGoingAway, shuttingDown)
	})
	defer keep()
	first, err := c.read(h.ctx)
	if errors.Is(err, errSocket) || !late.Stop() {
		return nil, errSocket
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(h.ctx, h.cfg.FirstWord)
	defer cancel()
	return h.admit(ctx, c, first)
}

// refuse answers a client's message with an error, and ends its socket when that is fatal. Called
// by the socket's reader.
func (h *Hub) refuse(c *conn, err error) {
	r := h.refusal(err)
	c.answer(protocol.Error(*r))
	c.endIf(r)
}

// dismiss tells a client an error that its room has found, and ends its socket when that is
// fatal. It does not wait for the client.
func (h *Hub) dismiss(c *conn, err error) {
	r := h.refusal(err)
	c.send(protocol.Error(*r))
	c.endIf(r)
}

func (h *Hub) refusal(err error) *refusal {
	r := refusalOf(err)
	if r.Code == protocol.CodeUnavailable {
		h.log.Warn("a client was turned away", "error", err)
	}
	h.metrics.refused.WithLabelValues(string(r.Code)).Inc()
	return r
}

// listen passes messages to the room, in order, and counts mistakes.
func (h *Hub) listen(c *conn, s *seat) {
	limiter := rate.NewLimiter(perSecond, burst)
	for bad := 0; ; {
		m, err := c.read(h.ctx)
		switch {
		case errors.Is(err, errSocket):
			return
		case !limiter.Allow():
			h.refuse(c, fatal(protocol.CodeRate, "too many messages; slow down"))
			return
		case errors.Is(err, protocol.ErrTooLarge):
			h.refuse(c, err)
			return
		case err != nil:
			if bad++; bad > mistakes {
				h.refuse(c,
					fatal(protocol.CodeBadMessage, "too many bad messages; the last: "+err.Error()))
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
