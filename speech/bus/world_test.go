package bus

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clocked{m}) }

// clocked starts the server's clock goroutine before the tests. There is one per process, and it
// must not belong to the synctest bubble of a test.
type clocked struct{ *testing.M }

func (c clocked) Run() int {
	ats.Register()
	defer ats.Unregister()
	return c.M.Run()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// testServer is a NATS server in this process for several buses, each of which represents a
// process. A test can stop it and start it again.
type testServer struct {
	t   testing.TB
	dir string

	mu     sync.Mutex
	server *server.Server
}

func newTestServer(t testing.TB) *testServer {
	s := &testServer{t: t, dir: t.TempDir()}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *testServer) start() {
	up, err := startServer(s.dir, quiet())
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = up
}

func (s *testServer) stop() {
	s.mu.Lock()
	down := s.server
	s.server = nil
	s.mu.Unlock()
	if down != nil {
		down.Shutdown()
		down.WaitForShutdown()
	}
}

// link is one process's connection to the testServer. A test can cut it, at once or before a given
// message is sent, and make it lose messages that arrive.
type link struct {
	testServer *testServer

	mu        sync.Mutex
	down      bool
	conn      net.Conn
	cutBefore []byte                 // guarded by mu; nil: nothing
	lose      func(head string) bool // guarded by mu; nil: nothing is lost
}

func (l *link) InProcessConn() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.testServer.mu.Lock()
	up := l.testServer.server
	l.testServer.mu.Unlock()
	if l.down || up == nil {
		return nil, errors.New("no server")
	}
	conn, err := up.InProcessConn()
	if err != nil {
		return nil, err
	}
	l.conn = conn
	return &lossy{Conn: conn, link: l, in: bufio.NewReader(conn)}, nil
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	l.conn.Close()
}

func (l *link) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// cutBeforeSending cuts the link for good before anything that contains text is sent on it.
func (l *link) cutBeforeSending(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutBefore = []byte(text)
}

// loseMessages makes the link drop the messages for which f returns true. head is the first line
// of a message in the NATS protocol: HMSG <subject> <subscription> <reply> <sizes>.
func (l *link) loseMessages(f func(head string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = f
}

func (l *link) lost(head string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lose != nil && l.lose(head)
}

// lossy is the connection of a link.
type lossy struct {
	net.Conn
	link *link
	in   *bufio.Reader
	next []byte // read and not returned yet
}

func (c *lossy) Write(b []byte) (int, error) {
	c.link.mu.Lock()
	cut := c.link.cutBefore != nil && bytes.Contains(b, c.link.cutBefore)
	c.link.mu.Unlock()
	if cut {
		c.link.cut()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c *lossy) Read(b []byte) (int, error) {
	for len(c.next) == 0 {
		if err := c.readMessage(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.next)
	c.next = c.next[n:]
	return n, nil
}

// readMessage reads the next message of the NATS protocol into next, unless the link loses it.
func (c *lossy) readMessage() error {
	head, err := c.in.ReadBytes('\n')
	if err != nil {
		return err
	}
	c.next = head
	if bytes.HasPrefix(head, []byte("MSG ")) || bytes.HasPrefix(head, []byte("HMSG ")) {
		fields := strings.Fields(string(head))
		size, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil {
			return err
		}
		body := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(c.in, body); err != nil {
			return err
		}
		c.next = append(head, body...)
		if c.link.lost(string(head)) {
			c.next = nil
		}
	}
	return nil
}

// process opens a bus on the server, as another process would.
func (s *testServer) process(cfg Config) (*Bus, *link) {
	s.t.Helper()
	l := &link{testServer: s}
	cfg.dial = l
	return open(s.t, cfg), l
}

// open opens a bus and closes it after the test.
func open(t testing.TB, cfg Config) *Bus {
	t.Helper()
	b, err := Open(context.Background(), cfg, quiet(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = b.Close(ctx) // frames that are lost here do not matter
	})
	return b
}

// bubble runs a test in a synctest bubble, with its own time. The client library has a pool of
// timers; those of one bubble must not get into another. Two garbage collections empty the pool.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	synctest.Test(t, f)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func claim(t testing.TB, b *Bus) *Claim {
	t.Helper()
	c, err := b.Claim(t.Context())
	must(t, err)
	return c
}

func writer(t testing.TB, b *Bus, attempt, speaker string) *Writer {
	t.Helper()
	w, err := b.Writer(attempt, speaker, time.Now())
	must(t, err)
	return w
}

// testFrame returns a numbered frame of a speaker.
func testFrame(n int, epoch uint16) frame.Frame {
	payload := fmt.Appendf(nil, "frame %d", n)
	return frame.Frame{
		Epoch: epoch, Sequence: uint16(65000 + n), Timestamp: uint32(n * 960),
		Arrival: time.Now().UnixMicro(), Payload: append(payload, make([]byte, n%40)...),
	}
}

// writeFrames writes numbered frames, one every gap, and returns them.
func writeFrames(w *Writer, from, to int, gap time.Duration) (frames []frame.Frame) {
	for n := from; n < to; n++ {
		f := testFrame(n, w.epoch)
		w.Write(f.Sequence, f.Timestamp, time.UnixMicro(f.Arrival), f.Payload)
		frames = append(frames, f)
		if gap > 0 {
			time.Sleep(gap)
		}
	}
	return frames
}

// received collects the deliveries of a claim.
type received struct {
	frames   map[string][]frame.Frame
	events   []event.Event
	messages int // of frames
	dropped  int
}

// nextAudio returns the next delivery without events.
func nextAudio(t testing.TB, c *Claim) (frame.Delivery, error) {
	for {
		if d, err := c.Next(t.Context()); err != nil || d.Events == nil {
			return d, err
		}
	}
}

// receiveAll collects deliveries up to the end.
func receiveAll(t testing.TB, c *Claim) received {
	t.Helper()
	h := received{frames: map[string][]frame.Frame{}}
	for {
		d, err := c.Next(t.Context())
		must(t, err)
		if d.End {
			return h
		}
		h.add(d)
	}
}

func (h *received) add(d frame.Delivery) {
	h.events = append(h.events, d.Events...)
	if d.Events != nil {
		return
	}
	h.messages++
	h.dropped += d.Batch.Dropped
	h.frames[d.Speaker] = append(h.frames[d.Speaker], d.Batch.Frames...)
}

func equalFrames(t testing.TB, what string, got, want []frame.Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d frames, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: frame %d is %+v, want %+v", what, i, got[i], want[i])
			return
		}
	}
}

func count(t testing.TB, c prometheus.Collector) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	must(t, reg.Register(c))
	families, err := reg.Gather()
	must(t, err)
	return families[0].Metric[0].Counter.GetValue()
}

// inject publishes a message that Bedside would not publish.
func inject(t testing.TB, b *Bus, subject string, data []byte) {
	t.Helper()
	_, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: subject, Data: data})
	must(t, err)
}
