package sfu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

const (
	maxSDP      = 64 << 10
	maxSections = 64
)

// joinOffer is the checked offer of a join.
type joinOffer struct {
	sdp     string
	receive []string // mids of the sections on which the client can receive a track
}

// parseOffer checks a client's offer: audio only, and at most one section that sends, or none if
// the client may not publish. It returns ErrBadSDP or ErrTooManyCandidates.
func parseOffer(text string, publish bool) (joinOffer, error) {
	parsed, err := parseSDP(text)
	if err != nil {
		return joinOffer{}, err
	}
	var offer joinOffer
	var mids, both []string
	sending := 0
	for _, m := range parsed.MediaDescriptions {
		mid, _ := m.Attribute(sdp.AttrKeyMID)
		direction := direction(parsed, m)
		switch {
		case m.MediaName.Media != "audio":
			return joinOffer{}, fmt.Errorf("%w: it offers %.20q, but only audio is accepted",
				ErrBadSDP, m.MediaName.Media)
		case mid == "" || len(mid) > 32 || slices.Contains(mids, mid):
			return joinOffer{}, fmt.Errorf("%w: each section needs an a=mid of its own", ErrBadSDP)
		case !offersOpus(m):
			return joinOffer{}, fmt.Errorf("%w: each section must offer Opus", ErrBadSDP)
		}
		mids = append(mids, mid)
		if direction == "sendrecv" || direction == "sendonly" {
			sending++
			if _, ok := m.Attribute(sdp.AttrKeySSRC); !ok {
				return joinOffer{}, fmt.Errorf("%w: the section that sends must name its a=ssrc",
					ErrBadSDP)
			}
		}
		switch direction {
		case "recvonly":
			offer.receive = append(offer.receive, mid)
		case "sendrecv":
			both = append(both, mid)
		}
	}
	switch {
	case len(mids) == 0:
		return joinOffer{}, fmt.Errorf("%w: it has no audio section", ErrBadSDP)
	case sending > 1:
		return joinOffer{}, fmt.Errorf("%w: at most one section may send", ErrBadSDP)
	case sending > 0 && !publish:
		return joinOffer{}, fmt.Errorf(
			"%w: this participant may only receive, so its sections must be recvonly", ErrBadSDP)
	}
	offer.receive = append(offer.receive, both...)
	offer.sdp, err = withoutCandidates(parsed)
	return offer, err
}

func offersOpus(m *sdp.MediaDescription) bool {
	return slices.ContainsFunc(m.Attributes, func(a sdp.Attribute) bool {
		_, codec, ok := strings.Cut(a.Value, " ")
		return ok && a.Key == "rtpmap" && strings.HasPrefix(strings.ToLower(codec), "opus/48000")
	})
}

// parseAnswer checks that an answer has the same sections as the offer, and returns it without its
// candidates. Pion detects a difference only when the offer cannot be rolled back any more. It
// returns ErrBadSDP or ErrTooManyCandidates.
func parseAnswer(offer, answer string) (string, error) {
	offered, err := parseSDP(offer)
	if err != nil {
		return "", err
	}
	answered, err := parseSDP(answer)
	if err != nil {
		return "", err
	}
	sameSection := func(a, b *sdp.MediaDescription) bool {
		midA, _ := a.Attribute(sdp.AttrKeyMID)
		midB, _ := b.Attribute(sdp.AttrKeyMID)
		return midA == midB
	}
	if !slices.EqualFunc(offered.MediaDescriptions, answered.MediaDescriptions, sameSection) {
		return "", fmt.Errorf("%w: its sections differ from those of the offer", ErrBadSDP)
	}
	return withoutCandidates(answered)
}

// withoutCandidates removes a client's ICE candidates from its description, so that nothing is
// ever sent to an address because a client has named it. ICE then learns the client's address from
// the connectivity checks that arrive, and verifies it with a check of its own before anything
// else is sent there. A client that expects the server to send first (ICE-lite) is refused.
func withoutCandidates(parsed *sdp.SessionDescription) (string, error) {
	count := 0
	isCandidate := func(a sdp.Attribute) bool {
		if a.Key == sdp.AttrKeyCandidate {
			count++
		}
		return a.Key == sdp.AttrKeyCandidate
	}
	isLite := func(a sdp.Attribute) bool { return a.Key == sdp.AttrKeyICELite }
	lite := slices.ContainsFunc(parsed.Attributes, isLite)
	parsed.Attributes = slices.DeleteFunc(parsed.Attributes, isCandidate)
	for _, m := range parsed.MediaDescriptions {
		lite = lite || slices.ContainsFunc(m.Attributes, isLite)
		m.Attributes = slices.DeleteFunc(m.Attributes, isCandidate)
	}
	switch {
	case count > maxCandidates:
		return "", fmt.Errorf("%w: the description has %d", ErrTooManyCandidates, count)
	case lite:
		return "", fmt.Errorf("%w: a participant must use full ICE, not ICE-lite", ErrBadSDP)
	}
	text, err := parsed.Marshal()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadSDP, err)
	}
	return string(text), nil
}

// parseSDP parses a description and checks its size.
func parseSDP(text string) (*sdp.SessionDescription, error) {
	if len(text) > maxSDP {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrBadSDP, len(text),
			maxSDP)
	}
	parsed := &sdp.SessionDescription{}
	if err := parsed.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSDP, err)
	}
	if len(parsed.MediaDescriptions) > maxSections {
		return nil, fmt.Errorf("%w: it has %d sections, at most %d are allowed", ErrBadSDP,
			len(parsed.MediaDescriptions), maxSections)
	}
	return parsed, nil
}

// direction returns the direction of a section. It may be set by the section or the session; the
// default is sendrecv (RFC 8866).
func direction(s *sdp.SessionDescription, m *sdp.MediaDescription) string {
	names := []string{"sendrecv", "sendonly", "recvonly", "inactive"}
	for _, attributes := range [][]sdp.Attribute{m.Attributes, s.Attributes} {
		for _, a := range attributes {
			if slices.Contains(names, a.Key) {
				return a.Key
			}
		}
	}
	return "sendrecv"
}

// withOpusOptions adds in-band FEC and discontinuous transmission to a local description. Pion
// would only repeat the client's options.
func withOpusOptions(text string) string {
	lines := strings.SplitAfter(text, "\r\n")
	given := map[string]string{}
	for _, l := range lines {
		if pt, options, ok := attribute(l, "fmtp"); ok {
			given[pt] = options
		}
	}
	var out strings.Builder
	opus := map[string]bool{}
	for _, l := range lines {
		if pt, _, ok := attribute(l, "fmtp"); ok && opus[pt] {
			continue
		}
		out.WriteString(l)
		if pt, codec, ok := attribute(l, "rtpmap"); ok &&
			strings.HasPrefix(strings.ToLower(codec), "opus/") {
			opus[pt] = true
			out.WriteString("a=fmtp:" + pt + " " + opusOptions(given[pt]) + "\r\n")
		}
	}
	return out.String()
}

// attribute splits a line like "a=fmtp:111 minptime=10".
func attribute(line, name string) (pt, value string, ok bool) {
	rest, ok := strings.CutPrefix(line, "a="+name+":")
	if !ok {
		return "", "", false
	}
	return strings.Cut(strings.TrimSpace(rest), " ")
}

func opusOptions(given string) string {
	options := slices.DeleteFunc(strings.Split(given, ";"), func(o string) bool {
		name, _, _ := strings.Cut(strings.TrimSpace(o), "=")
		return name == "" || name == "useinbandfec" || name == "usedtx"
	})
	return strings.Join(append(options, "useinbandfec=1", "usedtx=1"), ";")
}
