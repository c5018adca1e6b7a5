package signaling

import (
	"context"

	"bedside/sfu"

	"github.com/pion/webrtc/v4"
)

// mediaRoom is what a room asks of its media: an sfu.Room, or a stand-in where a test plays with
// time.
type mediaRoom interface {
	Join(ctx context.Context, who sfu.Identity, offer string,
		h sfu.Handler) (m media, answer string, err error)
	StartTap(sfu.Tap)
	StopTap()
	OnSpeakers(func([]sfu.Speaker))
}

// media is a participant's: an sfu.Participant.
type media interface {
	Answer(ctx context.Context, id uint64, sdp string) error
	AddCandidate(ctx context.Context, c webrtc.ICECandidateInit) error
	RestartICE(ctx context.Context) error
	SetHandler(h sfu.Handler) error
	Leave(reason error)
}

func openOn(node *sfu.Node) func(string) (mediaRoom, error) {
	return func(id string) (mediaRoom, error) {
		r, err := node.Room(id)
		if err != nil {
			return nil, err
		}
		return sfuRoom{r}, nil
	}
}

// sfuRoom gives its participants as media.
type sfuRoom struct{ *sfu.Room }

func (r sfuRoom) Join(ctx context.Context, who sfu.Identity, offer string,
	h sfu.Handler) (media, string, error) {
	p, answer, err := r.Room.Join(ctx, who, offer, h)
	if err != nil {
		return nil, "", err
	}
	return p, answer, nil
}
