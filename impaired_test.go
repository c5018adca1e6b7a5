package main

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// impairment describes a bad link: probabilities for each datagram, in both directions.
type impairment struct {
	loss, swap, repeat float64
	seed               uint64
}

// impairedNet is the machine's network as one participant sees it: some datagrams are lost,
// swapped or repeated.
type impairedNet struct {
	transport.Net
	link impairment

	mu   sync.Mutex // guards the fields below
	rand *rand.Rand
	lost int
}

func newImpairedNet(t *testing.T, link impairment) *impairedNet {
	t.Helper()
	n, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	return &impairedNet{Net: n, link: link, rand: rand.New(rand.NewPCG(link.seed, link.seed))}
}

func (n *impairedNet) dropped() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lost
}

// decide returns what happens to one datagram.
func (n *impairedNet) decide() (lose, swap, repeat bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rand.Float64() < n.link.loss {
		n.lost++
		return true, false, false
	}
	return false, n.rand.Float64() < n.link.swap, n.rand.Float64() < n.link.repeat
}

func (n *impairedNet) ListenUDP(network string, addr *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, addr)
	if err != nil {
		return nil, err
	}
	return &impairedConn{UDPConn: c, net: n}, nil
}

// impairedConn impairs the datagrams of one socket. To swap two of them it holds the first back;
// those that it receives it can only lose.
type impairedConn struct {
	transport.UDPConn
	net *impairedNet

	mu   sync.Mutex // guards the fields below
	held []byte     // sent after the next datagram
	to   net.Addr
}

func (c *impairedConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	lose, swap, repeat := c.net.decide()
	if lose {
		return len(b), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if swap && c.held == nil {
		c.held, c.to = append([]byte(nil), b...), addr
		return len(b), nil
	}
	n, err := c.UDPConn.WriteTo(b, addr)
	if err == nil && repeat {
		_, err = c.UDPConn.WriteTo(b, addr)
	}
	if err == nil && c.held != nil {
		_, err = c.UDPConn.WriteTo(c.held, c.to)
		c.held = nil
	}
	return n, err
}

func (c *impairedConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.UDPConn.ReadFrom(b)
		if err != nil {
			return n, addr, err
		}
		if lose, _, _ := c.net.decide(); !lose {
			return n, addr, nil
		}
	}
}
