package sfu

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	dto "github.com/prometheus/client_model/go"
)

// BenchmarkForward measures the path of a packet from Pion's decryption to its encryption:
// parsing, repair, history and fan-out. One operation is one forwarded packet.
func BenchmarkForward(b *testing.B) {
	for _, sinks := range []int{1, 2, 7} {
		b.Run(fmt.Sprintf("sinks=%d", sinks), func(b *testing.B) {
			m, err := newMetrics(nil)
			must(b, err)
			opus := webrtc.RTPCodecParameters{
				RTPCodecCapability: webrtc.RTPCodecCapability{
					MimeType: webrtc.MimeTypeOpus, ClockRate: 48000,
				}, PayloadType: 111,
			}
			track := &Track{
				codec: opus, levelID: 1, metrics: m, rate: &rateLimit{},
				repair: newRepair(1, 2, 48000, true, func(rtcp.Packet) {}, m),
			}
			for i := range sinks {
				f := newForwarder(track, newInlets(nil))
				f.writer, f.levelID = &marshaller{}, 3
				f.header = rtp.Header{Version: 2, PayloadType: 96, SSRC: uint32(i)}
				must(b, f.header.SetExtension(3, f.level))
				track.add(f)
			}
			packet := &rtp.Packet{
				Header:  rtp.Header{Version: 2, PayloadType: 111, SSRC: 1},
				Payload: make([]byte, 80),
			}
			must(b, packet.SetExtension(1, []byte{30}))
			raw, err := packet.Marshal()
			must(b, err)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%sinks == 0 {
					// The benchmark is faster than real time.
					track.rate.packets, track.rate.bytes = bucket{}, bucket{}
					seq := uint16(i / sinks)
					raw[2], raw[3] = byte(seq>>8), byte(seq)
					track.receive(raw, time.Now())
				}
			}
		})
	}
}

// marshaller replaces Pion's SRTP stream. It marshals the packet, as encryption does.
type marshaller struct{ buf [1500]byte }

func (m *marshaller) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	n, err := h.MarshalTo(m.buf[:])
	return n + copy(m.buf[n:], payload), err
}

func (m *marshaller) Write(b []byte) (int, error) { return copy(m.buf[:], b), nil }

// clientsEnv makes TestBenchmarkClients run the clients of BenchmarkEndToEnd.
const clientsEnv = "BEDSIDE_SFU_CLIENTS"

// BenchmarkEndToEnd runs a server with 20 rooms of three participants who each send 50 packets per
// second and receive the others, over loopback. The clients run in another process. One operation
// is one forwarded packet; cpu-us/packet is all CPU time of this process per forwarded packet.
func BenchmarkEndToEnd(b *testing.B) {
	const rooms, members = 20, 3
	n := testNode(b, Config{})
	child := exec.Command(os.Args[0], "-test.run=^TestBenchmarkClients$", "-test.timeout=10m")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", clientsEnv, rooms*members))
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	must(b, err)
	out, err := child.StdoutPipe()
	must(b, err)
	must(b, child.Start())
	to := &lines{enc: json.NewEncoder(in)}
	from := json.NewDecoder(out)
	people := make([]*Participant, rooms*members)
	serve := make(chan struct{})
	go func() {
		defer close(serve)
		for {
			var m line
			if from.Decode(&m) != nil {
				return
			}
			if m.ID == 0 { // a join
				r := testRoom(b, n, fmt.Sprintf("room-%d", m.Client/members))
				who := Identity{ID: fmt.Sprintf("client-%d", m.Client), Publish: true}
				p, answer, err := r.Join(context.Background(), who, m.SDP, &remote{m.Client, to})
				if err != nil {
					b.Error(err)
					return
				}
				people[m.Client] = p
				to.send(line{Client: m.Client, SDP: answer})
				continue
			}
			err := people[m.Client].Answer(context.Background(), m.ID, m.SDP)
			if err != nil {
				b.Error(err)
			}
		}
	}()
	// 6,000 forwarded packets per second mean that everybody receives everybody.
	rate := func() float64 {
		before := count(b, n)
		time.Sleep(500 * time.Millisecond)
		return (count(b, n) - before) * 2
	}
	for deadline := time.Now().Add(testTimeout); rate() < rooms*members*(members-1)*50*0.98; {
		if time.Now().After(deadline) {
			b.Fatal("the clients do not receive each other")
		}
	}
	b.ResetTimer()
	began, cpu := count(b, n), cpuTime(b)
	for count(b, n)-began < float64(b.N) {
		time.Sleep(20 * time.Millisecond)
	}
	packets := count(b, n) - began
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/1000/packets, "cpu-us/packet")
	b.StopTimer()
	closeNode(b, n)
	must(b, in.Close())
	<-serve
	must(b, child.Wait())
}

// line is a message between BenchmarkEndToEnd and its clients.
type line struct {
	Client int
	ID     uint64 // of the offer; 0 for the join
	SDP    string
}

type lines struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (l *lines) send(m line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.enc.Encode(m); err != nil {
		panic(err)
	}
}

// remote passes offers to a client in the other process.
type remote struct {
	client int
	to     *lines
}

func (r *remote) Offer(id uint64, sdp string) { go r.to.send(line{r.client, id, sdp}) }
func (*remote) Connected()                    {}
func (*remote) Disconnected()                 {}
func (*remote) Gone(error)                    {}

func count(b *testing.B, n *Node) float64 {
	var m dto.Metric
	must(b, n.metrics.out.Write(&m))
	return m.GetCounter().GetValue()
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestBenchmarkClients does nothing, unless BenchmarkEndToEnd runs it as its clients.
func TestBenchmarkClients(t *testing.T) {
	var n int
	if _, err := fmt.Sscan(os.Getenv(clientsEnv), &n); err != nil {
		t.Skip("only a part of BenchmarkEndToEnd")
	}
	to, from := &lines{enc: json.NewEncoder(os.Stdout)}, json.NewDecoder(os.Stdin)
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = newClient(t, fmt.Sprint(i), clientOption{discard: true})
		to.send(line{Client: i, SDP: clients[i].offer()})
	}
	for range clients {
		var m line
		must(t, from.Decode(&m))
		c := clients[m.Client]
		must(t,
			c.pc.SetRemoteDescription(webrtc.SessionDescription{
				Type: webrtc.SDPTypeAnswer, SDP: m.SDP,
			}))
	}
	stop := make(chan struct{})
	var speaking sync.WaitGroup
	for i, c := range clients {
		speaking.Go(func() {
			time.Sleep(20 * time.Millisecond * time.Duration(i) / time.Duration(n))
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for seq := uint16(0); ; seq++ {
				select {
				case <-tick.C:
					c.speak(seq, 30, string(make([]byte, 80)))
				case <-stop:
					return
				}
			}
		})
	}
	for {
		var m line
		if from.Decode(&m) != nil {
			break
		}
		answer, err := clients[m.Client].reply(m.SDP, func(webrtc.ICECandidateInit) {})
		must(t, err)
		to.send(line{m.Client, m.ID, answer})
	}
	close(stop)
	speaking.Wait()
	for _, c := range clients {
		c.close()
	}
	os.Exit(0) // so that the test prints nothing on stdout
}
