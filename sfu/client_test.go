package sfu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"bedside/sfu/pionlog"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/rtp"
	"github.com/pion/transport/v5"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout bounds waiting for what must happen; it is not a measurement.
const testTimeout = 20 * time.Second

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func testNode(t testing.TB, cfg Config) *Node {
	t.Helper()
	n, err := NewNode(cfg, quiet(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNode(t, n) })
	return n
}

func closeNode(t testing.TB, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
}

func testRoom(t testing.TB, n *Node, id string) *Room {
	t.Helper()
	r, err := n.Room(id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// client is a participant's browser, on Pion. It answers every offer and records the events.
type client struct {
	t    testing.TB
	id   string
	pc   *webrtc.PeerConnection
	mic  *webrtc.TrackLocalStaticRTP
	p    *Participant
	send *rtp.Header

	connected, disconnected chan struct{}
	gone                    chan error
	tracks                  chan *remoteTrack
	negotiated              chan string // each server offer, once answered
	offers                  chan outstanding
	holdOffers              bool // leave offers in the channel, for the test to answer
	stop                    chan struct{}
	tasks                   sync.WaitGroup
}

// remoteTrack is a track that a client receives.
type remoteTrack struct {
	from    string // the stream id
	track   *webrtc.TrackRemote
	packets chan *rtp.Packet
}

type clientOption struct {
	network  transport.Net
	listen   bool // offer recvonly sections only
	sections int  // further recvonly sections
	hold     bool
	discard  bool // discard received packets
}

func newClient(t testing.TB, id string, o clientOption) *client {
	t.Helper()
	c := &client{
		t: t, id: id, send: &rtp.Header{Version: 2},
		connected: make(chan struct{}, 16), disconnected: make(chan struct{}, 16),
		gone: make(chan error, 1), tracks: make(chan *remoteTrack, 16),
		negotiated: make(chan string, 64), offers: make(chan outstanding, 64),
		stop: make(chan struct{}), holdOffers: o.hold,
	}
	media := &webrtc.MediaEngine{}
	must(t, media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
			SDPFmtpLine:  "minptime=10;useinbandfec=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}},
		},
		PayloadType: 109,
	}, webrtc.RTPCodecTypeAudio))
	must(t,
		media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI},
			webrtc.RTPCodecTypeAudio))
	registry := &interceptor.Registry{}
	generator, err := nack.NewGeneratorInterceptor(nack.GeneratorInterval(50 * time.Millisecond))
	must(t, err)
	responder, err := nack.NewResponderInterceptor()
	must(t, err)
	receiver, err := report.NewReceiverInterceptor()
	must(t, err)
	sender, err := report.NewSenderInterceptor()
	must(t, err)
	registry.Add(responder)
	registry.Add(generator)
	registry.Add(receiver)
	registry.Add(sender)
	settings := webrtc.SettingEngine{LoggerFactory: pionlog.New(quiet(), slog.LevelWarn)}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICETimeouts(5*time.Second, time.Minute, time.Second)
	settings.SetDTLSRetransmissionInterval(100 * time.Millisecond)
	settings.SetFireOnTrackBeforeFirstRTP(true) // as browsers do
	if o.network != nil {
		settings.SetNet(o.network)
	} else {
		settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings))
	c.pc, err = api.NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	if !o.listen {
		c.mic, err = webrtc.NewTrackLocalStaticRTP(
			webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "mic", id)
		must(t, err)
		transceiver, err := c.pc.AddTransceiverFromTrack(c.mic, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionSendonly,
		})
		must(t, err)
		c.tasks.Go(func() { drain(transceiver.Sender().Read) })
	}
	for range o.sections {
		_, err = c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{
			Direction: webrtc.RTPTransceiverDirectionRecvonly,
		})
		must(t, err)
	}
	c.pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		h := &remoteTrack{
			from: track.StreamID(), track: track, packets: make(chan *rtp.Packet, 4096),
		}
		c.tracks <- h
		go drain(receiver.Read)
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("track of %s at %s: %v", h.from, id, err)
				}
				close(h.packets)
				return
			}
			if !o.discard {
				h.packets <- p
			}
		}
	})
	return c
}

func drain(read func([]byte) (int, interceptor.Attributes, error)) {
	b := make([]byte, 1500)
	for {
		if _, _, err := read(b); err != nil {
			return
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// offer returns an offer with all candidates.
func (c *client) offer() string {
	c.t.Helper()
	done := webrtc.GatheringCompletePromise(c.pc)
	d, err := c.pc.CreateOffer(nil)
	must(c.t, err)
	must(c.t, c.pc.SetLocalDescription(d))
	<-done
	return c.pc.LocalDescription().SDP
}

// join joins and starts answering offers.
func (c *client) join(r *Room, publish bool) *client {
	c.t.Helper()
	c.t.Cleanup(c.close)
	p, answer, err := r.Join(context.Background(),
		Identity{ID: c.id, Name: "Name of " + c.id, Publish: publish}, c.offer(), c)
	must(c.t, err)
	c.p = p
	must(c.t,
		c.pc.SetRemoteDescription(webrtc.SessionDescription{
			Type: webrtc.SDPTypeAnswer, SDP: answer,
		}))
	if !c.holdOffers {
		c.tasks.Go(func() {
			for {
				select {
				case o := <-c.offers:
					c.answer(o)
				case <-c.stop:
					return
				}
			}
		})
	}
	return c
}

func (c *client) answer(o outstanding) {
	switch err := c.tryAnswer(o); {
	case err == nil:
		c.negotiated <- o.sdp
	case errors.Is(err, ErrGone): // the participant has left in the meantime
	// the server has closed the connection in the meantime
	case c.pc.ConnectionState() == webrtc.PeerConnectionStateClosed:
	default:
		select {
		case <-c.stop:
		default:
			c.t.Errorf("%s answering offer %d: %v", c.id, o.id, err)
		}
	}
}

func (c *client) tryAnswer(o outstanding) error {
	answer, err := c.reply(o.sdp, func(candidate webrtc.ICECandidateInit) {
		if err := c.p.AddCandidate(context.Background(), candidate); err != nil &&
			!errors.Is(err, ErrGone) {
			c.t.Errorf("candidate of %s: %v", c.id, err)
		}
	})
	if err != nil {
		return err
	}
	return c.p.Answer(context.Background(), o.id, answer)
}

// reply returns the answer to an offer. It passes candidates that are found later to trickle.
func (c *client) reply(offer string, trickle func(webrtc.ICECandidateInit)) (string, error) {
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{
		Type: webrtc.SDPTypeOffer, SDP: offer,
	}); err != nil {
		return "", err
	}
	c.pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate != nil {
			trickle(candidate.ToJSON())
		}
	})
	d, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	if err := c.pc.SetLocalDescription(d); err != nil {
		return "", err
	}
	return c.pc.LocalDescription().SDP, nil
}

func (c *client) Offer(id uint64, sdp string) { c.offers <- outstanding{id, sdp} }
func (c *client) Connected()                  { c.connected <- struct{}{} }
func (c *client) Disconnected()               { c.disconnected <- struct{}{} }
func (c *client) Gone(reason error)           { c.gone <- reason }

// close closes the client's connection without informing the server.
func (c *client) close() {
	select {
	case <-c.stop:
		return
	default:
		close(c.stop)
	}
	if err := c.pc.GracefulClose(); err != nil {
		c.t.Logf("closing %s: %v", c.id, err)
	}
	c.tasks.Wait()
}

// speak sends one packet.
func (c *client) speak(seq uint16, level uint8, payload string) {
	h := rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 960}
	must(c.t, h.SetExtension(1, []byte{level}))
	if err := c.mic.WriteRTP(&rtp.Packet{Header: h, Payload: []byte(payload)}); err != nil {
		c.t.Logf("%s speaking: %v", c.id, err)
	}
}

// await receives from a channel, or fails the test.
func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("%s: closed", what)
		}
		return v
	case <-time.After(testTimeout):
		t.Fatalf("%s: did not happen", what)
		panic("unreachable")
	}
}

// awaitPacket makes from send until a packet arrives at h, and returns it.
func awaitPacket(t testing.TB, from *client, h *remoteTrack) *rtp.Packet {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(testTimeout)
	for {
		select {
		case p := <-h.packets:
			return p
		case <-tick.C:
			from.send.SequenceNumber++
			from.speak(from.send.SequenceNumber, 20,
				fmt.Sprintf("%s says %d", from.id, from.send.SequenceNumber))
		case <-deadline:
			t.Fatalf("nothing received from %s", from.id)
		}
	}
}
