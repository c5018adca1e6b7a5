package bus

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats-server/v2/server"
)

// startServer starts a NATS server inside this process. It listens on no port. The caller shuts it
// down.
func startServer(dir string, log *slog.Logger) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "bedside", DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true,
		NoLog: true,
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

// logLimit returns the size limit of the log on a server inside this process: want, but at most
// three quarters of the disk space that the server may use.
func logLimit(s *server.Server, want int64, log *slog.Logger) int64 {
	js := s.JetStreamConfig()
	if js == nil || want <= js.MaxStore/4*3 {
		return want
	}
	got := js.MaxStore / 4 * 3
	log.Warn("little disk space: the audio log is smaller than configured", "bytes",
		got, "wanted", want)
	return got
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
