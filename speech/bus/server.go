package bus

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats-server/v2/server"
)

// startServer starts a NATS server inside this process, which listens on no port.
func startServer(dir string, log *slog.Logger) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "bedside", DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true,
		NoLog: true,
	})
	if err != nil {
		return nil, fmt.Errorf("NATS inside this process: %w", err)
	}
	words := serverLog{log: log, fatal: make(chan string, 1)}
	s.SetLogger(words, false, false)
	s.Start()
	problem := ""
	select {
	case problem = <-words.fatal:
	default:
		if s.ReadyForConnections(startLimit) {
			return s, nil
		}
		problem = fmt.Sprintf("not ready within %v", startLimit)
	}
	s.Shutdown()
	s.WaitForShutdown()
	return nil, fmt.Errorf("NATS inside this process, with its files in %s: %s", dir, problem)
}

// room is how much audio the server inside this process has disk for: of what is wanted, at most
// three quarters of what it may use at all.
func room(s *server.Server, want int64, log *slog.Logger) int64 {
	js := s.JetStreamConfig()
	if js == nil || want <= js.MaxStore/4*3 {
		return want
	}
	got := js.MaxStore / 4 * 3
	log.Warn("the disk is small; less audio than configured can wait for its analysis", "bytes",
		got, "wanted", want)
	return got
}

// serverLog passes on what the server inside this process complains about.
type serverLog struct {
	log   *slog.Logger
	fatal chan string // what keeps it from running; one fits
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
