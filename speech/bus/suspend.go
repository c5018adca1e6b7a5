package bus

import (
	"context"
	"fmt"

	"bedside/speech/frame"
)

// Suspend publishes the frames and events left in the attempt's tap and ends the tap, without an
// end marker: another process, or the next start of this one, continues the log. Until it does,
// Config.IdleEnd runs. If it returns an error, because ctx has ended for example, it may be called
// again.
func (b *Bus) Suspend(ctx context.Context, attemptID string) error {
	if !frame.ValidToken(attemptID) {
		return fmt.Errorf("attempt id %.80q is not allowed in a subject", attemptID)
	}
	b.mu.Lock()
	t := b.taps[attemptID]
	b.mu.Unlock()
	if t == nil {
		return nil
	}
	if err := t.close(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taps[attemptID] == t {
		delete(b.taps, attemptID)
	}
	return nil
}
