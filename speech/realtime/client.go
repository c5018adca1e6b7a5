// Package realtime lets a speech-to-speech model play the patient, through an API like OpenAI's
// Realtime: one WebSocket for a role play, with sound in both directions. Many servers that
// operators run themselves speak the protocol too, in its first form or in the present one; which
// one it is, the server's first message tells.
//
// What is decided stays here. The model hears the candidate, but when a turn is over, what the
// patient tells and when it falls silent is not its affair: the server's own turn detection is
// off, the line of the script comes to the model as the answer of a tool, and with it the facts
// that were told. A fact that is not earned yet is not in its reach. What the model says is read
// along: sound is passed on only as far as the words that belong to it have been checked. When the
// model is late, falls silent, breaks a rule or fails, the patient says its script.
//
// For each turn of the candidate, an actor calls:
//
//	session.Hear(samples)          // all the time
//	reply := session.Answer(turn)  // when the turn is over, for lines that answer
//	piece, err := reply.Next(ctx)  // until io.EOF; after another error, the script is said
//	session.Said(line)             // when the script was said
package realtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"bedside/speech/endpoint"
	"bedside/store/metricset"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const (
	maxConnect = 5 * time.Second
	maxMessage = 1 << 20 // bytes of a message from the server
	// restFor is how long no connection is made after one has failed.
	restFor = 15 * time.Second
)

// Client opens sessions. It is safe for concurrent use.
type Client struct {
	cfg        Config
	http       *http.Client
	log        *slog.Logger
	replies    *prometheus.CounterVec
	unregister func()

	mu    sync.Mutex // guards until
	until time.Time  // no connection is made before
}

// New returns a client. It sends nothing until a session is opened. reg may be nil.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Client, error) {
	set := metricset.New()
	c := &Client{
		cfg: cfg.withDefaults(), http: endpoint.Client(), log: log,
		replies: promauto.With(set).NewCounterVec(prometheus.CounterOpts{
			Name: "bedside_realtime_replies_total",
			Help: "Replies that a realtime API was to speak, by what became of them.",
		}, []string{"result"}),
	}
	var err error
	c.unregister, err = set.RegisterWith(reg, "realtime")
	return c, err
}

// Close unregisters the metrics. Sessions are closed by those who opened them.
func (c *Client) Close() { c.unregister() }

// Enabled reports whether there is an API.
func (c *Client) Enabled() bool { return c.cfg.URL != "" }

func (c *Client) resting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.until)
}

func (c *Client) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Now().Add(restFor)
}

// dial connects, and waits until the server says in which form it speaks the protocol.
func (c *Client) dial(ctx context.Context) (ws *websocket.Conn, first serverEvent, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxConnect, errLate)
	defer cancel()
	header := http.Header{}
	if c.cfg.Key != "" {
		header.Set("Authorization", "Bearer "+c.cfg.Key)
	}
	ws, response, err := websocket.Dial(ctx,
		c.cfg.URL+"?"+url.Values{"model": {c.cfg.Model}}.Encode(),
		&websocket.DialOptions{HTTPClient: c.http, HTTPHeader: header})
	if err != nil {
		if response != nil { // the text of an error may repeat the key
			return nil, first, fmt.Errorf("the realtime API answers %d", response.StatusCode)
		}
		return nil, first, fmt.Errorf("the realtime API cannot be reached: %w", err)
	}
	ws.SetReadLimit(maxMessage)
	_, data, err := ws.Read(ctx)
	if err == nil {
		first, err = parseEvent(data)
	}
	if err == nil && first.Type != "session.created" {
		err = errors.New("the realtime API begins with another message than session.created")
	}
	if err != nil {
		_ = ws.CloseNow()
		return nil, first, err
	}
	return ws, first, nil
}
