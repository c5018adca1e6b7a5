package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
)

// joinLimit bounds joining a room, until media flows.
const joinLimit = 30 * time.Second

// Audio is an audio file as Opus packets to speak. The caller that opened it closes it.
type Audio interface {
	client.PacketSource
	io.Closer
}

// OpenAudio opens an audio file. An error means that the file cannot be spoken.
type OpenAudio func(path string) (Audio, error)

// check opens and closes a file, so that a bad one is reported before anything starts. An empty
// path is no file.
func (open OpenAudio) check(path string) error {
	if path == "" {
		return nil
	}
	audio, err := open(path)
	if err != nil {
		return err
	}
	return audio.Close()
}

// Speak speaks a file to its end, in real time.
func Speak(ctx context.Context, p *client.Client, open OpenAudio, path string) error {
	audio, err := open(path)
	if err != nil {
		return err
	}
	defer audio.Close()
	if err := p.Speak(ctx, audio); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// join gets a ticket, joins the room and waits until media flows. The caller closes the client.
func join(ctx context.Context, rest *client.REST, attemptID string,
	role protocol.Role) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	p, err := client.JoinWithTickets(ctx, rest.Tickets(attemptID, role))
	if err != nil {
		return nil, fmt.Errorf("joining as %s: %w", role, err)
	}
	if err := p.Connected(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("connecting as %s: %w (is the media server's UDP port open?)", role,
			err)
	}
	return p, nil
}

// errPlayEnded is the cause with which the context of untilEnded ends when the play does.
var errPlayEnded = errors.New("the play has ended")

// untilEnded returns a context that ends with the play.
func untilEnded(ctx context.Context, p *client.Client) (context.Context, context.CancelFunc) {
	playing, cancel := context.WithCancelCause(ctx)
	go func() {
		if _, err := p.Await(playing, ended); err == nil {
			cancel(errPlayEnded)
		}
	}()
	return playing, func() { cancel(context.Canceled) }
}

func ended(st client.State) bool { return st.Phase.Name == protocol.PhaseEnded }
