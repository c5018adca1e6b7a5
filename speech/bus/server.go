package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded is the NATS server inside this process. After a write error the server refuses all
// writes for as long as it runs, so that it has to be replaced by a new one: restart does this.
// The bus owns it.
type embedded struct {
	dir string
	log *slog.Logger

	mu     sync.Mutex
	server *server.Server // nil: stopped; guarded by mu
}

// startEmbedded starts the server.
func startEmbedded(dir string, log *slog.Logger) (*embedded, error) {
	s, err := startServer(dir, log)
	if err != nil {
		return nil, err
	}
	return &embedded{dir: dir, log: log, server: s}, nil
}

// InProcessConn returns a new connection to the server that runs now.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return nil, errors.New("NATS inside this process is being restarted")
	}
	return e.server.InProcessConn()
}

// restart stops the server and starts a new one on the same files. What was acknowledged is in the
// files. When the new one does not start, restart may be called again.
func (e *embedded) restart() error {
	e.stop()
	s, err := startServer(e.dir, e.log)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.server = s
	return nil
}

// stop stops the server, if it runs, and waits.
func (e *embedded) stop() {
	e.mu.Lock()
	s := e.server
	e.server = nil
	e.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// broken returns why the server needs a restart, or "". A server that is only slow does not.
func (e *embedded) broken() string {
	e.mu.Lock()
	s := e.server
	e.mu.Unlock()
	if s == nil {
		return "it is stopped"
	}
	for _, p := range serverProblems(s) {
		if !isUnread(p) {
			return p.Error
		}
	}
	return ""
}

// isUnread reports whether a problem is a stream on disk that the server does not have: damaged,
// or just being deleted. Another start does not help.
func isUnread(p server.HealthzError) bool {
	return p.Type == server.HealthzErrorStream &&
		strings.HasSuffix(p.Error, "could not be recovered")
}

// serverProblems returns what the server's own health check finds: that JetStream is off, streams
// with a write error, streams on disk that it could not read.
func serverProblems(s *server.Server) []server.HealthzError {
	request, err := http.NewRequest(http.MethodGet, "/healthz?details=true", nil)
	if err != nil {
		return nil
	}
	w := &healthResponse{header: http.Header{}}
	s.HandleHealthz(w, request)
	var health server.HealthStatus
	if err := json.Unmarshal(w.body.Bytes(), &health); err != nil {
		return nil
	}
	return health.Errors
}

// healthResponse takes the answer of the server's health check.
type healthResponse struct {
	header http.Header
	body   bytes.Buffer
}

func (r *healthResponse) Header() http.Header         { return r.header }
func (r *healthResponse) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *healthResponse) WriteHeader(int)             {}

// spaceToStart is the space that must be free on the disk before the server is started again.
// With less it would soon fail again.
const spaceToStart = 4 << 20

// hasSpace writes a file of spaceToStart bytes beside those of the server and removes it. It
// returns nil when this works.
func (e *embedded) hasSpace() error {
	f, err := os.CreateTemp(e.dir, "space-*")
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for n := 0; n < spaceToStart && err == nil; n += len(block) {
		_, err = f.Write(block)
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// startServer starts a NATS server inside this process. It listens on no port. The caller shuts it
// down.
func startServer(dir string, log *slog.Logger) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "bedside", DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true,
		NoLog: true,
		// The server's own limit is a share of what is free when it starts: on a disk that was
		// full it would refuse messages after the space is there again. logLimit limits the log.
		JetStreamMaxStore: unlimitedStore,
	})
	if err != nil {
		return nil, fmt.Errorf("NATS inside this process: %w", err)
	}
	logger := serverLog{log: log, fatal: make(chan string, 1)}
	s.SetLogger(logger, false, false)
	s.Start()
	problem := ""
	select {
	case problem = <-logger.fatal:
	default:
		if s.ReadyForConnections(startTimeout) {
			return s, nil
		}
		problem = fmt.Sprintf("not ready within %v", startTimeout)
	}
	s.Shutdown()
	s.WaitForShutdown()
	return nil, fmt.Errorf("NATS inside this process, with its files in %s: %s", dir, problem)
}

// unlimitedStore is more than any disk has.
const unlimitedStore = 1 << 60

// limitLog makes the log on a server inside this process no larger than half of the disk space
// that is free or already used by the server.
func (b *Bus) limitLog(ctx context.Context) {
	account, err := b.js.AccountInfo(ctx)
	if err != nil {
		return // createStreams returns the error
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.embedded.dir, &fs); err != nil {
		b.log.Warn("cannot look up the free disk space", "error", err)
		return
	}
	free := min(uint64(fs.Bavail)*uint64(fs.Bsize), unlimitedStore)
	limit := int64((free + account.Store) / 2)
	if b.cfg.MaxBytes <= limit {
		return
	}
	b.log.Warn("little disk space: the audio log is smaller than configured", "bytes", limit,
		"wanted", b.cfg.MaxBytes)
	b.cfg.MaxBytes = max(limit, 1<<20)
}

// serverLog logs warnings and errors of the server inside this process.
type serverLog struct {
	log   *slog.Logger
	fatal chan string // the first error that keeps the server from running; holds one
}

func (l serverLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}

func (l serverLog) Errorf(format string, v ...any) {
	l.log.Error("NATS inside this process", "error", fmt.Sprintf(format, v...))
}

func (l serverLog) Warnf(format string, v ...any) {
	l.log.Warn("NATS inside this process", "warning", fmt.Sprintf(format, v...))
}

func (l serverLog) Noticef(string, ...any) {}
func (l serverLog) Debugf(string, ...any)  {}
func (l serverLog) Tracef(string, ...any)  {}
