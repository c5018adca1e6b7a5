package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// closeLimit is how long Close waits for the requests of one listener.
const closeLimit = 5 * time.Second

// listener serves HTTP at one address from one goroutine, until Close.
type listener struct {
	net.Listener
	server *http.Server
	done   chan struct{} // closed when the goroutine has ended
}

// listen begins to serve, over TLS if the server has a TLS configuration. hint says what to do
// when the address is taken. failed is called when serving ends without Close.
func listen(name, address, hint string, server *http.Server, log *slog.Logger,
	failed func(error)) (*listener, error) {
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, hint)
	}
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	l := &listener{Listener: socket, server: server, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		serve := func() error { return server.Serve(socket) }
		if server.TLSConfig != nil {
			serve = func() error { return server.ServeTLS(socket, "", "") }
		}
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("%s: %w", name, err))
		}
	}()
	return l, nil
}

// Close stops listening, waits for requests that run, and ends those that take too long.
func (l *listener) Close(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	err := l.server.Shutdown(limited)
	if err != nil {
		err = l.server.Close()
	}
	<-l.done
	return err
}
