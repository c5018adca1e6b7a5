package presence

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// server is a Redis-compatible server inside the process. Clients connect through socket pairs, so
// no other process can reach it.
type server struct {
	mini *miniredis.Miniredis
	stop chan struct{}
	done sync.WaitGroup // the ticker
}

// clockTick is the step of the server's clock. miniredis expires keys only when FastForward is
// called.
const clockTick = 50 * time.Millisecond

func startServer() (*server, error) {
	s := &server{mini: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	first, err := s.mini.Dial() // starts the server, without a listener
	if err != nil {
		return nil, err
	}
	if err := first.Close(); err != nil {
		return nil, err
	}
	s.done.Go(s.tick)
	return s, nil
}

func (s *server) tick() {
	tick := time.NewTicker(clockTick)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			now := time.Now()
			s.mini.FastForward(now.Sub(last))
			last = now
		}
	}
}

func (s *server) options() *redis.Options {
	return &redis.Options{
		Addr:   "inside the process",
		Dialer: func(context.Context, string, string) (net.Conn, error) { return s.dial() },
	}
}

// dial returns one end of a socket pair whose other end the server serves. miniredis's own Dial
// has no buffer, so a large pipeline would deadlock.
func (s *server) dial() (net.Conn, error) {
	pair, err := socketPair()
	if err != nil {
		return nil, err
	}
	var conns [2]net.Conn
	for i, fd := range pair {
		f := os.NewFile(uintptr(fd), "redis")
		conn, cerr := net.FileConn(f) // duplicates the descriptor
		err = errors.Join(err, cerr, f.Close())
		conns[i] = conn
	}
	if err != nil {
		for _, c := range conns {
			if c != nil {
				err = errors.Join(err, c.Close())
			}
		}
		return nil, fmt.Errorf("socket pair: %w", err)
	}
	s.mini.Server().ServeConn(conns[1])
	return conns[0], nil
}

func socketPair() (pair [2]int, err error) {
	syscall.ForkLock.RLock() // no child process may inherit the sockets
	defer syscall.ForkLock.RUnlock()
	if pair, err = syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0); err != nil {
		return pair, err
	}
	syscall.CloseOnExec(pair[0])
	syscall.CloseOnExec(pair[1])
	return pair, nil
}

func (s *server) close() {
	close(s.stop)
	s.done.Wait()
	s.mini.Close()
}
