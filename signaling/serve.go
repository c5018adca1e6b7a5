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
	perSecond   = 30 // messages per second that a client may send in the long run
	burst       = 100
	maxMistakes = 20 // bad messages before the socket is closed
)

// errSocket is returned by readMessage when the socket has ended, from either side.
var errSocket = errors.New("the socket has ended")

// ServeHTTP upgrades a request to a WebSocket and serves it until it is closed.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := h.cfg.Address(r)
	if status, problem := h.countSocket(address); status != 0 {
		h.metrics.turnedAway.Inc()
		http.Error(w, problem, status)
		return
	}
	defer h.releaseSocket(address)
	recorder := &hijackRecorder{ResponseWriter: w}
	ws, err := websocket.Accept(recorder, r,
		&websocket.AcceptOptions{OriginPatterns: h.cfg.Origins})
	if err != nil {
		h.metrics.turnedAway.Inc()
		h.log.Debug("request not upgraded to a WebSocket", "address", address, "error", err)
		return // Accept has answered
	}
	c := newConn(ws, recorder.conn, address)
	var loops sync.WaitGroup
	loops.Go(func() { c.writeLoop(h.ctx) })
	loops.Go(func() { c.pingLoop(h.ctx, h.cfg.PingEvery) })
	h.serveClient(c)
	c.close(websocket.StatusNormalClosure, "")
	loops.Wait()
}

// hijackRecorder records the connection that websocket.Accept hijacks, because conn sets its
// deadlines.
type hijackRecorder struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack implements http.Hijacker.
func (w *hijackRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.conn = conn
	return conn, rw, err
}

// countSocket counts a new socket of an address. It returns an HTTP status and a problem when the
// socket is not allowed, else 0.
func (h *Hub) countSocket(address string) (status int, problem string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closing:
		return http.StatusServiceUnavailable, movingWords
	case h.perIP[address] >= h.cfg.PerAddress:
		return http.StatusTooManyRequests, "too many connections from this address"
	}
	h.perIP[address]++
	h.running.Add(1)
	h.metrics.sockets.Inc()
	return 0, ""
}

// releaseSocket undoes countSocket.
func (h *Hub) releaseSocket(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.perIP[address]--; h.perIP[address] == 0 {
		delete(h.perIP, address)
	}
	h.metrics.sockets.Dec()
	h.running.Done()
}

// serveClient admits a client and passes its messages on until its socket ends.
func (h *Hub) serveClient(c *conn) {
	p, err := h.awaitFirstMessage(c)
	switch {
	case errors.Is(err, errSocket):
	case err != nil:
		h.replyError(c, err)
	default:
		h.serveMessages(c, p)
		p.room.post(func() { p.room.socketLost(p, c) })
	}
}

// awaitFirstMessage waits for the first message and admits its sender.
func (h *Hub) awaitFirstMessage(c *conn) (*participant, error) {
	// A timer and not a read deadline, which would close the socket without an error message.
	late := time.AfterFunc(h.cfg.FirstWord, func() {
		h.replyError(c, fatalError(protocol.CodeBadMessage, "no join or resume came in time"))
	})
	defer late.Stop()
	// Once the client is admitted, its room does this.
	stop := context.AfterFunc(h.closeBegun, func() {
		c.send(protocol.Moving{Reason: movingWords})
		c.close(websocket.StatusServiceRestart, movingWords)
	})
	defer stop()
	first, err := c.readMessage(h.ctx)
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

// serveMessages passes messages to the room, in order, until the socket ends or the client
// exceeds a limit.
func (h *Hub) serveMessages(c *conn, p *participant) {
	limiter := rate.NewLimiter(perSecond, burst)
	for mistakes := 0; ; {
		m, err := c.readMessage(h.ctx)
		switch {
		case errors.Is(err, errSocket):
			return
		case !limiter.Allow():
			h.replyError(c, fatalError(protocol.CodeRate, "too many messages; slow down"))
			return
		case errors.Is(err, protocol.ErrTooLarge):
			h.replyError(c, err)
			return
		case err != nil:
			if mistakes++; mistakes > maxMistakes {
				h.replyError(c, fatalError(protocol.CodeBadMessage,
					"too many bad messages; the last: "+err.Error()))
				return
			}
			e := clientErrorFor(err)
			h.replyError(c, recoverableError(e.Code, e.Message))
			continue
		}
		if err := p.room.handleMessage(h.ctx, p, c, m); err != nil {
			h.replyError(c, err)
		}
		select {
		case <-c.closing:
			return
		default:
		}
	}
}

// replyError sends an error in reply to a client's message, and closes the socket if the error is
// fatal. It may wait for the client. Only the socket's reader calls it.
func (h *Hub) replyError(c *conn, err error) {
	e := h.countError(err)
	c.reply(protocol.Error(*e))
	c.closeIfFatal(e)
}

// sendError queues an error that did not come from a client's message, and closes the socket if
// the error is fatal. It does not wait for the client.
func (h *Hub) sendError(c *conn, err error) {
	e := h.countError(err)
	c.send(protocol.Error(*e))
	c.closeIfFatal(e)
}

// countError converts an error for clients, counts it, and logs it if the server is at fault.
func (h *Hub) countError(err error) *clientError {
	e := clientErrorFor(err)
	if e.Code == protocol.CodeUnavailable {
		h.log.Warn("a client received an error of the server", "error", err)
	}
	h.metrics.refused.WithLabelValues(string(e.Code)).Inc()
	return e
}
