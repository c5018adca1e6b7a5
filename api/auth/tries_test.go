package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"bedside/store"
)

// fakeLimiter refuses a quota once it was spent as often as its Units say.
type fakeLimiter map[string]int

func (f fakeLimiter) Check(_ context.Context, quotas ...store.Quota) ([]store.Balance, bool) {
	balances, ok := make([]store.Balance, len(quotas)), true
	for i, q := range quotas {
		if f[q.Key] >= q.Units {
			balances[i].Retry, ok = q.Window, false
		}
	}
	return balances, ok
}

func (f fakeLimiter) Return(_ context.Context, quotas ...store.Quota) {
	for _, q := range quotas {
		f[q.Key]--
	}
}

func (f fakeLimiter) Spend(ctx context.Context, quotas ...store.Quota) ([]store.Balance, bool) {
	balances, ok := f.Check(ctx, quotas...)
	for _, q := range quotas {
		if ok {
			f[q.Key]++
		}
	}
	return balances, ok
}

func TestTriesReportTheLongestWait(t *testing.T) {
	tries := Tries{Limiter: fakeLimiter{}}
	minute := PerMinute("minute", 1)
	day := store.Quota{Key: "day", Units: 1, Window: 24 * time.Hour}
	for range 2 { // checking does not count
		if err := tries.Check(t.Context(), minute, day); err != nil {
			t.Fatal(err)
		}
	}
	if err := tries.Spend(t.Context(), minute, day); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func(context.Context, ...store.Quota) error{
		"Check": tries.Check, "Spend": tries.Spend,
	} {
		err := try(t.Context(), minute, day)
		var limit *LimitError
		if !errors.As(err, &limit) || !errors.Is(err, store.ErrLimit) ||
			limit.RetryAfter != 24*time.Hour || limit.Detail == "" {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

func TestAllowMailCountsEachAddressAndKind(t *testing.T) {
	limiter := fakeLimiter{}
	tries := Tries{Limiter: limiter}
	allow := func(template store.MailTemplate, email string) bool {
		return tries.AllowMail(t.Context(), template, email)
	}
	for range mailsPerHour {
		if !allow(store.MailReset, "dana@example.org") {
			t.Fatal("refused within the limit")
		}
	}
	if allow(store.MailReset, "dana@example.org") {
		t.Error("allowed beyond the limit")
	}
	if !allow(store.MailVerify, "dana@example.org") ||
		!allow(store.MailReset, "theo@example.org") {
		t.Error("another kind or another address is refused")
	}
	for key := range limiter {
		if strings.Contains(key, "@") {
			t.Errorf("key %q contains an address", key)
		}
	}
}
