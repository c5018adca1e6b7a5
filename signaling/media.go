package signaling

import (
	"context"

	"bedside/sfu"

	"github.com/pion/webrtc/v4"
)

// mediaRoom is the media side of a room: an sfu.Room, or a fake in tests with a fake clock.
type mediaRoom interface {
	Join(ctx context.Context, who sfu.Identity, offer string,
		h sfu.Handler) (m media, answer string, err error)
	StartTap(sfu.Tap)
	StopTap()
	OnSpeakers(func([]sfu.Speaker))
	// AddSource publishes a voice that this process makes, until its Close, or until somebody
	// joins with its id.
	AddSource(id string) (voice, error)
}

// media is the media side of a participant: an sfu.Participant, or a fake.
type media interface {
	Answer(ctx context.Context, id uint64, sdp string) error
	AddCandidate(ctx context.Context, c webrtc.ICECandidateInit) error
	RestartICE(ctx context.Context) error
	SetHandler(h sfu.Handler) error
	Leave(reason error)
}

// openOn returns a function that opens rooms on a media node.
func openOn(node *sfu.Node) func(string) (mediaRoom, error) {
	return func(id string) (mediaRoom, error) {
		r, err := node.Room(id)
		if err != nil {
			return nil, err
		}
		return sfuRoom{r}, nil
	}
}

// sfuRoom adapts an sfu.Room to mediaRoom, whose methods return interfaces.
type sfuRoom struct{ *sfu.Room }

func (r sfuRoom) Join(ctx context.Context, who sfu.Identity, offer string,
	h sfu.Handler) (media, string, error) {
	p, answer, err := r.Room.Join(ctx, who, offer, h)
	if err != nil {
		return nil, "", err
	}
	return p, answer, nil
}

func (r sfuRoom) AddSource(id string) (voice, error) {
	s, err := r.Room.AddSource(id)
	if err != nil {
		return nil, err
	}
	return s, nil
}
