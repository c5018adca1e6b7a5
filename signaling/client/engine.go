package client

import (
	"fmt"
	"log/slog"
	"time"

	"bedside/sfu/pionlog"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
)

const (
	levelURI        = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	clockRate       = 48000
	iceDisconnected = 3 * time.Second // without a packet
	// longer than the server's grace period, so that a restart always finds ICE alive
	iceFailed      = time.Minute
	iceKeepalive   = time.Second
	dtlsRetransmit = 100 * time.Millisecond // a lost ClientHello would otherwise cost a second
	nackEvery      = 40 * time.Millisecond
	nackAfter      = 1 // request packets that are missing before the newest
	replayWindow   = 512
)

// newConnection makes a PeerConnection for one participant: Opus only, with retransmission in both
// directions, RTCP reports and the audio level header extension.
func newConnection(cfg Config) (*webrtc.PeerConnection, error) {
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: clockRate, Channels: 2,
			SDPFmtpLine:  "minptime=10;useinbandfec=1;usedtx=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBNACK}},
		},
		PayloadType: 111,
	}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI},
		webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("header extension: %w", err)
	}
	interceptors, err := newInterceptors()
	if err != nil {
		return nil, fmt.Errorf("interceptors: %w", err)
	}
	settings := webrtc.SettingEngine{LoggerFactory: pionlog.New(cfg.Log, slog.LevelDebug)}
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetIncludeLoopbackCandidate(cfg.local())
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	settings.SetDTLSRetransmissionInterval(dtlsRetransmit)
	settings.SetSRTPReplayProtectionWindow(replayWindow)
	settings.SetFireOnTrackBeforeFirstRTP(true)
	if cfg.Settings != nil {
		cfg.Settings(&settings)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(interceptors), webrtc.WithSettingEngine(settings))
	var servers []webrtc.ICEServer
	for _, s := range cfg.ICEServers {
		servers = append(servers, webrtc.ICEServer{
			URLs: s.URLs, Username: s.Username, Credential: s.Credential,
		})
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{ICEServers: servers})
	if err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	return pc, nil
}

func newInterceptors() (*interceptor.Registry, error) {
	generator, err := nack.NewGeneratorInterceptor(nack.GeneratorInterval(nackEvery),
		nack.GeneratorSkipLastN(nackAfter), nack.GeneratorMaxNacksPerPacket(5))
	if err != nil {
		return nil, err
	}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		return nil, err
	}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, err
	}
	r := &interceptor.Registry{}
	for _, f := range []interceptor.Factory{responder, generator, receiver, sender} {
		r.Add(f)
	}
	return r, nil
}
