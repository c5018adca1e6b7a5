package server

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"bedside/api/certs"
)

// reloader reads certificates again when the process receives SIGHUP, a signal that would end it
// otherwise. It runs one goroutine until Close.
type reloader struct {
	hangup     chan os.Signal
	stop, done chan struct{}
}

func reloadOnHangup(certificates *certs.Certs, log *slog.Logger) *reloader {
	r := &reloader{
		hangup: make(chan os.Signal, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	signal.Notify(r.hangup, syscall.SIGHUP)
	go r.run(certificates, log)
	return r
}

func (r *reloader) run(certificates *certs.Certs, log *slog.Logger) {
	defer close(r.done)
	for {
		select {
		case <-r.stop:
			return
		case <-r.hangup:
			if err := certificates.Reload(); err != nil {
				log.Error("certificates were not reloaded; the server keeps the old ones",
					"error", err)
			} else {
				log.Info("certificates were reloaded")
			}
		}
	}
}

// Close stops the goroutine and waits for it.
func (r *reloader) Close() {
	signal.Stop(r.hangup)
	close(r.stop)
	<-r.done
}
