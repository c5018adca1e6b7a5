package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"bedside/store/wait"
)

func TestForWaitsTheWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := wait.For(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("waited for %v; want 1 min", took)
		}
	})
}

func TestForReturnsTheCauseWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("closing")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		began := time.Now()
		if err := wait.For(ctx, time.Minute); !errors.Is(err, cause) {
			t.Errorf("returned %v; want the context's cause", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("waited for %v; want 1 s", took)
		}
	})
}
