package signaling

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
)

// What a ledger has not written when its context ends is given up without another call.
func TestLedgerCallsNothingAfterItsContextHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var givenUp []string
		l := newLedger(ctx, "audio", slog.New(slog.DiscardHandler), func(entry string, up bool) {
			if up {
				givenUp = append(givenUp, entry)
			}
		})
		calls := 0
		l.add("begin", func(context.Context) error {
			calls++
			return errors.New("away")
		})
		synctest.Wait() // until the second try is due
		cancel()
		l.Close()
		<-l.Done()
		if calls != 1 || len(givenUp) != 1 {
			t.Errorf("%d calls, given up: %q; want 1 each", calls, givenUp)
		}
	})
}
