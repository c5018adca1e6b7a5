package sfu

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"
)

// impairment drops datagrams of a network, the same ones in every run. Handshakes pass.
type impairment struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	loss  float64
	count struct{ lost, all int }
}

func (w *impairment) drop(chunk vnet.Chunk) bool {
	b := chunk.UserData()
	if len(b) < 13 || b[0] < 128 || b[0] > 191 { // neither RTP nor RTCP
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.all++
	if w.rnd.Float64() >= w.loss {
		return false
	}
	w.count.lost++
	return true
}

func TestLossReorderingAndDuplication(t *testing.T) {
	for _, test := range []struct {
		loss     float64
		atLeast  float64 // fraction of the sent packets that must arrive at the other end
		repaired float64 // fraction that the server must have after repair
	}{
		{loss: 0, atLeast: 1, repaired: 1},
		{loss: 0.05, atLeast: 0.995, repaired: 0.995},
		{loss: 0.20, atLeast: 0.98, repaired: 0.98},
	} {
		t.Run(fmt.Sprintf("%.0f%%", test.loss*100), func(t *testing.T) {
			withNetwork(t, Config{}, func(t *testing.T, w *world) {
				impairment := &impairment{rnd: rand.New(rand.NewPCG(1, 2)), loss: test.loss}
				w.router.AddChunkFilter(func(c vnet.Chunk) bool { return !impairment.drop(c) })
				duplicates, err := vnet.NewDuplicationFilter(w.router,
					vnet.WithDuplicationProbability(0.05),
					vnet.WithDuplicationExtraDelay(0, 30*time.Millisecond),
					vnet.WithDuplicationSeed(3))
				must(t, err)
				w.router.AddChunkFilter(duplicates.ChunkFilter())
				defer func() { must(t, duplicates.Close()) }()

				r := testRoom(t, w.node, "room")
				var tapped recorder
				r.StartTap(tapFunc(func(_, _ string) Sink { return &tapped }))
				net, _ := w.net()
				a := newClient(t, "anna", clientOption{network: net}).join(r, true)
				net, _ = w.net()
				b := newClient(t, "bert", clientOption{
					network: net, listen: true, sections: 1,
				}).join(r, false)
				await(t, "anna connects", a.connected)
				await(t, "bert connects", b.connected)
				h := await(t, "anna's track", b.tracks)
				synctest.Wait()

				const packets = 1500 // half a minute
				order := shuffled(packets, impairment.rnd)
				for _, seq := range order {
					a.speak(uint16(seq), 30, fmt.Sprint(seq))
					time.Sleep(20 * time.Millisecond)
				}
				time.Sleep(5 * time.Second)
				r.StopTap()

				check(t, "server", payloads(tapped.packets), packets, test.repaired)
				var got []Packet
				for len(h.packets) > 0 {
					p := <-h.packets
					got = append(got, Packet{
						Sequence: p.SequenceNumber, Timestamp: p.Timestamp, Payload: p.Payload,
					})
				}
				check(t, "listener", payloads(got), packets, test.atLeast)
				impairment.mu.Lock()
				t.Logf("network lost %d of %d datagrams", impairment.count.lost,
					impairment.count.all)
				impairment.mu.Unlock()
				a.close()
				b.close()
			})
		})
	}
}

// TestLossBeforeAPauseIsRepaired loses a packet after which the voice sends only one more: with
// discontinuous transmission, nothing else arrives that could remind the node of the gap.
func TestLossBeforeAPauseIsRepaired(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		var lose atomic.Bool // the next RTP packet
		w.router.AddChunkFilter(func(c vnet.Chunk) bool {
			b := c.UserData()
			isRTP := len(b) > 12 && b[0]&0xc0 == 0x80 && b[1]&0x7f >= 96
			return !isRTP || !lose.CompareAndSwap(true, false)
		})
		r := testRoom(t, w.node, "room")
		var tapped recorder
		r.StartTap(tapFunc(func(_, _ string) Sink { return &tapped }))
		net, _ := w.net()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "anna connects", a.connected)
		synctest.Wait()
		for seq := range uint16(10) {
			lose.Store(seq == 8)
			a.speak(seq, 30, fmt.Sprint(seq))
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Second)
		r.StopTap()
		if lose.Load() {
			t.Fatal("no packet was lost")
		}
		check(t, "server", payloads(tapped.packets), 10, 1)
		a.close()
	})
}

// shuffled returns 0 to n-1, with every tenth pair swapped.
func shuffled(n int, rnd *rand.Rand) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := 1; i < n; i++ {
		if rnd.IntN(10) == 0 {
			order[i-1], order[i] = order[i], order[i-1]
		}
	}
	return order
}

// payloads counts how often each payload arrived, and checks that its sequence number and
// timestamp are unchanged.
func payloads(packets []Packet) map[string]int {
	seen := map[string]int{}
	for _, p := range packets {
		key := string(p.Payload)
		if fmt.Sprint(p.Sequence) != key || p.Timestamp != uint32(p.Sequence)*960 {
			key = "mixed up"
		}
		seen[key]++
	}
	return seen
}

func check(t *testing.T, where string, seen map[string]int, sent int, atLeast float64) {
	t.Helper()
	share := float64(len(seen)) / float64(sent)
	t.Logf("%s: %d of %d packets (%.2f %%)", where, len(seen), sent, share*100)
	if share < atLeast {
		t.Errorf("%s: only %.2f %% arrived, want %.2f %%", where, share*100, atLeast*100)
	}
	if seen["mixed up"] > 0 {
		t.Errorf("%s: %d packets mixed up", where, seen["mixed up"])
	}
	for payload, n := range seen {
		if n > 1 {
			t.Errorf("%s: packet %s arrived %d times", where, payload, n)
			return
		}
	}
}

func TestHistoryKeepsTheLastPackets(t *testing.T) {
	var h history
	for seq := range uint16(300) {
		h.put(&Packet{Sequence: seq, Payload: []byte(fmt.Sprint(seq))})
	}
	if _, ok := h.get(300-historySize-1, nil); ok {
		t.Error("an old packet is still there")
	}
	if p, ok := h.get(299, nil); !ok || string(p.Payload) != "299" {
		t.Errorf("got %+v, %v", p, ok)
	}
	if _, ok := h.get(300, nil); ok {
		t.Error("got a packet that was not stored")
	}
}

func TestReceptionReport(t *testing.T) {
	r := reception{ssrc: 7, clockRate: 48000}
	now := time.Unix(100, 0)
	r.gotSenderReport(0x1122334455667788, now)
	for i := range 100 {
		if i%4 != 1 { // a quarter is lost
			r.add(uint16(65500+i), uint32(i*960), now)
		}
		now = now.Add(20 * time.Millisecond)
	}
	if !r.due(now) {
		t.Error("no report after two seconds")
	}
	rep := r.report(now)
	if rep.SSRC != 7 || rep.LastSequenceNumber != 65599 || rep.TotalLost != 25 ||
		rep.FractionLost != 64 {
		t.Errorf("report %+v", rep)
	}
	if rep.LastSenderReport != 0x33445566 || rep.Delay != 2*65536 {
		t.Errorf("sender report %x, delay %d", rep.LastSenderReport, rep.Delay)
	}
	if rep.Jitter > 1 {
		t.Errorf("jitter %d of an even stream", rep.Jitter)
	}
	if r.due(now) {
		t.Error("a second report is due at once")
	}
}
