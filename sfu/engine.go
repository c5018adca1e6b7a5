package sfu

import (
	"fmt"
	"log/slog"
	"time"

	"bedside/sfu/pionlog"

	"github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
)

const (
	iceDisconnected = 5 * time.Second // without a packet
	iceKeepalive    = 2 * time.Second
	dtlsRetransmit  = 100 * time.Millisecond // by default a lost ClientHello costs a second
	replayWindow    = 512                    // packets; retransmissions arrive late
	opusPayloadType = 111
	opusFormat      = "minptime=10;useinbandfec=1;usedtx=1"
	// ICE fails only after the grace period, so that a restart always finds it alive
	afterGrace    = 10 * time.Second
	opusClockRate = 48000
	opusChannels  = 2
)

func opusCodec() webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: opusClockRate, Channels: opusChannels,
			SDPFmtpLine:  opusFormat,
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBNACK}},
		},
		PayloadType: opusPayloadType,
	}
}

// newAPI makes Pion's API for one participant, whose packets go to in. All participants share the
// listener.
func (n *Node) newAPI(in *inlets) (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	if err := media.RegisterCodec(opusCodec(), webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	if err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI},
		webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("header extension: %w", err)
	}
	reports, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, fmt.Errorf("sender reports: %w", err)
	}
	interceptors := &interceptor.Registry{}
	interceptors.Add(reports)

	settings := webrtc.SettingEngine{
		LoggerFactory: pionlog.New(n.log, slog.LevelWarn), BufferFactory: in.buffer,
	}
	settings.SetNet(n.network)
	settings.SetICEUDPMux(n.listener.mux)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	settings.SetIncludeLoopbackCandidate(n.listener.loopback)
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetICETimeouts(iceDisconnected, n.cfg.Grace+afterGrace, iceKeepalive)
	settings.SetDTLSRetransmissionInterval(dtlsRetransmit)
	settings.SetDTLSEllipticCurves(elliptic.X25519, elliptic.P256, elliptic.P384)
	settings.SetSRTPReplayProtectionWindow(replayWindow)
	settings.SetFireOnTrackBeforeFirstRTP(true)
	if len(n.cfg.PublicIPs) > 0 {
		if err := settings.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
			External: n.cfg.PublicIPs, AsCandidateType: webrtc.ICECandidateTypeHost,
			Mode: webrtc.ICEAddressRewriteAppend,
		}); err != nil {
			return nil, fmt.Errorf("public addresses: %w", err)
		}
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(interceptors), webrtc.WithSettingEngine(settings)), nil
}
