package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	maxQueue = 512 // messages to the server; sound has 50 a second
	maxWrite = 5 * time.Second
	// forgotten is how long a server may take to begin a reply, even one that nobody waits for.
	forgotten = 10 * time.Second
)

var (
	errClosed = errors.New("the connection to the realtime API is closed")
	errQueue  = errors.New("the realtime API takes messages too slowly")
)

// connection is a WebSocket of a session. One goroutine reads from it, another writes.
type connection struct {
	dialect dialect
	ws      *websocket.Conn
	out     chan []byte
	cancel  context.CancelCauseFunc
	ctx     context.Context

	mu      sync.Mutex // guards the fields below
	waiting []*Reply   // response.create was sent, and response.created has not come
	current map[string]*Reply
}

func connect(ctx context.Context, ws *websocket.Conn, d dialect) *connection {
	ctx, cancel := context.WithCancelCause(ctx)
	return &connection{
		dialect: d, ws: ws, out: make(chan []byte, maxQueue), ctx: ctx, cancel: cancel,
		current: map[string]*Reply{},
	}
}

// send queues a message. A connection whose queue is full is given up.
func (c *connection) send(o object) {
	data, err := json.Marshal(o)
	if err != nil {
		c.cancel(err)
		return
	}
	select {
	case c.out <- data:
	case <-c.ctx.Done():
	default:
		c.cancel(errQueue)
	}
}

func (c *connection) write() {
	for {
		select {
		case data := <-c.out:
			ctx, cancel := context.WithTimeoutCause(c.ctx, maxWrite, errQueue)
			err := c.ws.Write(ctx, websocket.MessageText, data)
			cancel()
			if err != nil {
				c.cancel(fmt.Errorf("%w: %v", errClosed, err))
				return
			}
		case <-c.ctx.Done():
			_ = c.ws.CloseNow()
			return
		}
	}
}

// read reads until the connection ends, and returns why it has. All replies end then.
func (c *connection) read() error {
	for {
		_, data, err := c.ws.Read(c.ctx)
		if err != nil {
			// It may be io.EOF, which has another meaning in Reply.Next.
			err = fmt.Errorf("%w: %v", errClosed, err)
		} else {
			var e serverEvent
			if e, err = parseEvent(data); err == nil {
				err = c.handle(e)
			}
		}
		if err != nil {
			c.cancel(err)
			c.failAll(context.Cause(c.ctx))
			return context.Cause(c.ctx)
		}
	}
}

// ask registers a reply and asks for it.
func (c *connection) ask(r *Reply) {
	c.mu.Lock()
	for len(c.waiting) > 0 && time.Since(c.waiting[0].began) > forgotten {
		c.waiting = c.waiting[1:]
	}
	c.waiting = append(c.waiting, r)
	c.mu.Unlock()
	c.send(c.dialect.respond(r.event))
	if c.ctx.Err() != nil { // read may have failed all before this one was there
		c.failAll(context.Cause(c.ctx))
	}
}

func (c *connection) failAll(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.waiting {
		r.fail(err)
	}
	for _, r := range c.current {
		r.fail(err)
	}
	c.waiting, c.current = nil, map[string]*Reply{}
}

// handle handles a message. An error ends the connection.
func (c *connection) handle(e serverEvent) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e.kind() {
	case created:
		c.begins(e)
	case audio:
		c.reply(e, func(r *Reply) error { return r.addSound(e.ItemID, e.Delta) })
	case text:
		c.reply(e, func(r *Reply) error { return r.addText(e.Delta) })
	case textDone:
		c.reply(e, func(r *Reply) error { return r.endText(e.Transcript) })
	case done:
		if r := c.current[e.Response.ID]; r != nil {
			delete(c.current, e.Response.ID)
			r.end(e.Response.Status)
		}
	case failure:
		return c.refused(e)
	case other:
	}
	return nil
}

// begins finds the reply that begins: the one whose name the server repeats, or else the first.
func (c *connection) begins(e serverEvent) {
	i := slices.IndexFunc(c.waiting, func(r *Reply) bool {
		return e.Response.Metadata.Turn == r.event || e.Response.Metadata.Turn == ""
	})
	if i >= 0 {
		c.current[e.Response.ID] = c.waiting[i]
		c.waiting = slices.Delete(c.waiting, i, i+1)
	}
}

// reply passes an event on to the reply that it belongs to. What belongs to none is of one that
// was given up.
func (c *connection) reply(e serverEvent, add func(*Reply) error) {
	if r := c.current[e.ResponseID]; r != nil {
		if err := add(r); err != nil {
			r.fail(err)
		}
	}
}

// refused handles an error of the API. The text of an error is not passed on, since it may repeat
// the key or what was said.
func (c *connection) refused(e serverEvent) error {
	err := fmt.Errorf("the realtime API refuses: %.40q %.40q", e.Error.Type, e.Error.Code)
	if e.Error.EventID == sessionEvent {
		return err
	}
	for i, r := range c.waiting {
		if r.event == e.Error.EventID {
			c.waiting = slices.Delete(c.waiting, i, i+1)
			r.fail(err)
			return nil
		}
	}
	return nil // most errors are no reason to give up, such as that there is nothing to cancel
}
