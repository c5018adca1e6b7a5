package sfu

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/vnet"
)

func TestReachableThroughTheRealPort(t *testing.T) {
	for name, cfg := range map[string]Config{
		"one address":   {UDPAddr: "127.0.0.1:0"},
		"all addresses": {UDPAddr: ":0", IncludeLoopback: true},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := NewNode(cfg, quiet(), nil)
			must(t, err)
			for range 3 {
				must(t, n.Reachable(t.Context()))
			}
			closeNode(t, n)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := n.Reachable(ctx); !errors.Is(err, ErrUnreachable) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

// TestReachableNoticesAFirewall drops what reaches the port, and then what leaves it.
func TestReachableNoticesAFirewall(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		var blocked atomic.Value // the suffix of the packets that are dropped
		blocked.Store("none")
		var lost atomic.Int32 // how many packets are lost although nothing is blocked
		w.router.AddChunkFilter(func(c vnet.Chunk) bool {
			text := c.SourceAddr().String() + ">" + c.DestinationAddr().String()
			return lost.Add(-1) < 0 && !strings.Contains(text, blocked.Load().(string))
		})
		reach := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			return w.node.Reachable(ctx)
		}
		must(t, reach())
		for _, part := range []string{">" + serverIP + ":5000", serverIP + ":5000>"} {
			blocked.Store(part)
			if err := reach(); !errors.Is(err, ErrUnreachable) {
				t.Errorf("with %s blocked: %v", part, err)
			}
			blocked.Store("none")
			must(t, reach())
		}
		lost.Store(3)
		must(t, reach()) // asks again
	})
}

// TestNobodyElseGetsProbesAnswered asks for the name of no probe, and that of a probe with another
// key.
func TestNobodyElseGetsProbesAnswered(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		mux := w.node.listener.mux
		conn, err := mux.GetConn("name", mux.GetListenAddresses()[0])
		must(t, err)
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			answerProbes(conn, stun.NewShortTermIntegrity("the key"))
		}()
		defer func() {
			conn.Close()
			<-answered
		}()
		network, ip := w.net()
		var packets atomic.Int32
		w.router.AddChunkFilter(func(c vnet.Chunk) bool {
			if strings.HasPrefix(c.DestinationAddr().String(), ip) {
				packets.Add(1)
			}
			return true
		})
		for name, want := range map[string]struct {
			user, key string
			answers   int32
		}{
			"no such name": {"other:probe", "the key", 0},
			"no such key":  {"name:probe", "a guess", 0},
			"the probe":    {"name:probe", "the key", 1},
		} {
			packets.Store(0)
			socket, err := network.Dial("udp", serverIP+":5000")
			must(t, err)
			request, err := stun.Build(stun.BindingRequest, stun.TransactionID,
				stun.NewUsername(want.user), stun.NewShortTermIntegrity(want.key))
			must(t, err)
			_, err = socket.Write(request.Raw)
			must(t, err)
			time.Sleep(time.Second)
			if n := packets.Load(); n != want.answers {
				t.Errorf("%s: %d packets came back, want %d", name, n, want.answers)
			}
			must(t, socket.Close())
		}
	})
}
