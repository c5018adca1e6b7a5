package services

import (
	"errors"
	"io"
	"net"
	"sync"
)

// Link forwards connections to a server, so that a test can cut the connection between two
// processes. Unlike a server that ended, a cut link refuses nothing: as when a cable is pulled,
// connections stay open, what was sent waits, and nothing arrives until the link is whole again.
type Link struct {
	listener        net.Listener
	network, target string
	all             sync.WaitGroup

	mu    sync.Mutex
	whole sync.Cond             // broadcast when cut or closed change
	cut   bool                  // guarded by mu
	ended bool                  // guarded by mu
	conns map[net.Conn]struct{} // guarded by mu
}

// OpenLink opens a link to an address of a network (tcp or unix), which is whole. The caller
// closes it.
func OpenLink(network, target string) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{
		listener: listener, network: network, target: target, conns: map[net.Conn]struct{}{},
	}
	l.whole.L = &l.mu
	l.all.Go(l.accept)
	return l, nil
}

// Address returns the host:port at which the target is reached through the link.
func (l *Link) Address() string { return l.listener.Addr().String() }

// Cut lets nothing through until Restore.
func (l *Link) Cut() { l.set(true) }

// Restore lets everything through, and first what was sent while the link was cut.
func (l *Link) Restore() { l.set(false) }

func (l *Link) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	l.whole.Broadcast()
}

// Close closes every connection and waits until all are.
func (l *Link) Close() error {
	err := l.listener.Close()
	l.mu.Lock()
	l.ended = true
	for c := range l.conns {
		_ = c.Close()
	}
	l.whole.Broadcast()
	l.mu.Unlock()
	l.all.Wait()
	return err
}

// wait waits until the link is whole and reports whether it is still open.
func (l *Link) wait() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.cut && !l.ended {
		l.whole.Wait()
	}
	return !l.ended
}

// add registers a connection, or closes it when the link is closed.
func (l *Link) add(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = c.Close()
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

func (l *Link) remove(c net.Conn) {
	_ = c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func (l *Link) accept() {
	for {
		from, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && l.add(from) {
			l.all.Go(func() { l.forward(from) })
		}
	}
}

// forward connects to the target and copies in both directions until one side ends.
func (l *Link) forward(from net.Conn) {
	defer l.remove(from)
	if !l.wait() {
		return
	}
	to, err := net.Dial(l.network, l.target)
	if err != nil || !l.add(to) {
		return
	}
	defer l.remove(to)
	var both sync.WaitGroup
	both.Go(func() { l.copy(to, from) })
	both.Go(func() { l.copy(from, to) })
	both.Wait()
}

// copy copies until the source ends, then ends the destination as well.
func (l *Link) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if !l.wait() {
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				_ = from.Close()
				return
			}
		}
		if err != nil && !errors.Is(err, io.ErrNoProgress) {
			return
		}
	}
}
