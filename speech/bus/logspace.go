package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// reservedShare is the part of the log that audio leaves free, so that heartbeats and end
	// markers still fit: without them every live attempt would seem abandoned.
	reservedShare = 16
	// spaceEvery is the interval at which the taps look how full the log is.
	spaceEvery = time.Second
	// maxSubjectMessages limits the messages of one speaker. Two hours of batches are fewer.
	maxSubjectMessages = 100_000
)

// errLogFull is returned by publish when the stream refuses a message because it is full, or
// because the subject has too many messages. Nothing that is in the log gives way to it.
var errLogFull = errors.New("the audio log is full")

// isFull reports whether a stream refused a message for lack of space.
func isFull(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == storeFailed &&
		strings.HasPrefix(api.Description, "maximum ")
}

// logSpace is what the taps know about the space in the log.
type logSpace struct {
	full atomic.Bool

	mu sync.Mutex // held by the one tap that looks
	at time.Time  // of the latest look; guarded by mu
}

// logFull reports whether the log has no space for audio. It asks NATS at most once a second, and
// never waits for another tap that asks.
func (b *Bus) logFull() bool {
	if b.space.mu.TryLock() {
		if now := time.Now(); now.Sub(b.space.at) >= spaceEvery {
			b.space.at = now
			ctx, cancel := context.WithTimeout(b.ctx, spaceEvery)
			_ = b.checkSpace(ctx) // while NATS is away the latest answer counts
			cancel()
		}
		b.space.mu.Unlock()
	}
	return b.space.full.Load()
}

// checkSpace asks NATS how full the log is. It returns an error that wraps errLogFull when there
// is no space for audio.
func (b *Bus) checkSpace(ctx context.Context) error {
	info, err := b.audio.Info(ctx)
	if err != nil {
		return fmt.Errorf("NATS stream %s: %w", audioStream, err)
	}
	used, limit := int64(info.State.Bytes), info.Config.MaxBytes
	full := limit > 0 && used >= limit-limit/reservedShare
	b.metrics.logBytes.Set(float64(used))
	if b.space.full.Swap(full) != full {
		b.log.Warn("the space in the audio log has changed", "full", full, "bytes", used,
			"limit", limit)
	}
	if full {
		return fmt.Errorf("%w: %d of %d bytes", errLogFull, used, limit)
	}
	return nil
}

// refuse counts frames of an attempt that did not fit into the log.
func (b *Bus) refuse(attempt, speaker string, frames int) {
	if frames == 0 {
		return
	}
	b.metrics.refused.Add(float64(frames))
	b.log.Error("the audio log is full: speech is lost", "attempt", attempt, "speaker", speaker,
		"frames", frames)
}
