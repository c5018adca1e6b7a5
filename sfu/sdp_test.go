package sfu

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// plainOffer is a minimal offer.
const plainOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:" +
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n" +
	"a=setup:actpass\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n" +
	"a=ssrc:1234 cname:x\r\n"

func badOffers() map[string]string {
	section := plainOffer[strings.Index(plainOffer, "m=audio"):]
	return map[string]string{
		"empty":        "",
		"not SDP":      "hello",
		"no sections":  plainOffer[:strings.Index(plainOffer, "m=audio")],
		"too long":     plainOffer + strings.Repeat("a=x\r\n", 20000),
		"video":        strings.Replace(plainOffer, "m=audio", "m=video", 1),
		"data channel": strings.Replace(plainOffer, "m=audio", "m=application", 1),
		"no mid":       strings.Replace(plainOffer, "a=mid:0\r\n", "", 1),
		"long mid": strings.Replace(plainOffer, "a=mid:0",
			"a=mid:"+strings.Repeat("0", 40), 1),
		"one mid twice": plainOffer + section,
		"two that send": plainOffer + strings.Replace(section, "mid:0", "mid:1", 1),
		"many sections": plainOffer +
			strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 80),
		"no ssrc": strings.Replace(plainOffer, "a=ssrc:1234 cname:x\r\n", "", 1),
		"no ICE password": strings.Replace(plainOffer,
			"a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n", "", 1),
		"no ICE name":      strings.Replace(plainOffer, "a=ice-ufrag:abcd\r\n", "", 1),
		"no fingerprint":   strings.Replace(plainOffer, "a=fingerprint:", "a=thumbprint:", 1),
		"no codec of ours": strings.Replace(plainOffer, "opus/48000/2", "speex/16000", 1),
		"nonsense in rtpmap": strings.Replace(plainOffer, "a=rtpmap:111 opus/48000/2",
			"a=rtpmap:x y", 1),
		"nonsense in a group": strings.Replace(plainOffer, "a=group:BUNDLE 0", "a=group:BUNDLE",
			1) + "m=",
	}
}

func TestPlainOfferIsAnswered(t *testing.T) {
	n := testNode(t, Config{})
	p, answer, err := testRoom(t, n, "room").Join(context.Background(),
		Identity{ID: "anna", Publish: true}, plainOffer, &stuckHandler{release: closed()})
	must(t, err)
	if !strings.Contains(answer, "a=recvonly") || !strings.Contains(answer, "a=fmtp:111 ") {
		t.Errorf("answer:\n%s", answer)
	}
	p.Leave(nil)
	<-p.Done()
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestInvalidOffersAreRejected(t *testing.T) {
	n := testNode(t, Config{MaxParticipants: 1})
	r := testRoom(t, n, "room")
	for name, offer := range badOffers() {
		if _, _, err := r.Join(context.Background(), Identity{ID: "anna", Publish: true}, offer,
			&stuckHandler{release: closed()}); !errors.Is(err, ErrBadSDP) {
			t.Errorf("%s: %v, want ErrBadSDP", name, err)
		}
	}
	if got := len(r.Participants()); got != 0 {
		t.Errorf("%d participants after rejected joins", got)
	}
	// The rejected joins do not count for the limit.
	newClient(t, "anna", clientOption{}).join(r, true)
}

func TestOpusOptions(t *testing.T) {
	in := "m=audio 9 X 109 0\r\na=rtpmap:109 OPUS/48000/2\r\na=rtpmap:0 x/8\r\n" +
		"a=fmtp:109 minptime=10; useinbandfec=0;stereo=1\r\na=fmtp:0 x=1\r\n"
	want := "m=audio 9 X 109 0\r\na=rtpmap:109 OPUS/48000/2\r\n" +
		"a=fmtp:109 minptime=10;stereo=1;useinbandfec=1;usedtx=1\r\na=rtpmap:0 x/8\r\na=fmtp:0 x=1\r\n"
	if got := withOpusOptions(in); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func FuzzJoinOffer(f *testing.F) {
	f.Add(plainOffer)
	for _, offer := range badOffers() {
		if len(offer) < 10000 {
			f.Add(offer)
		}
	}
	n := testNode(f, Config{})
	r := testRoom(f, n, "room")
	f.Fuzz(func(t *testing.T, offer string) {
		p, answer, err := r.Join(context.Background(), Identity{ID: "anna", Publish: true}, offer,
			&stuckHandler{release: closed()})
		if err != nil {
			if !errors.Is(err, ErrBadSDP) {
				t.Errorf("rejected with %v, want ErrBadSDP", err)
			}
			return
		}
		if answer == "" {
			t.Error("an empty answer")
		}
		p.Leave(nil)
		<-p.Done()
	})
}
