package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"bedside/store"
)

// LimitError reports that a limit was reached. It wraps store.ErrLimit; Detail is for the user.
type LimitError struct {
	Detail     string
	RetryAfter time.Duration
}

func (e *LimitError) Error() string { return e.Detail + ": " + store.ErrLimit.Error() }

// Unwrap returns store.ErrLimit.
func (e *LimitError) Unwrap() error { return store.ErrLimit }

// Limits are the numbers of tries allowed each minute, in addition to the rates of all requests.
type Limits struct {
	RegisterPerIP int
	LoginPerIP    int
	// LoginPerAccount counts wrong passwords and codes only. It is per account and place (see
	// Place), so that nobody can lock somebody else out.
	LoginPerAccount int
	RefreshPerIP    int
	// GuessesPerHour and GuessesPerDay count wrong passwords, and wrong codes, of an account from
	// all strange places together.
	GuessesPerHour, GuessesPerDay int
	// GuessesPerPlace counts those of a day from one familiar place.
	GuessesPerPlace int
}

// DefaultLimits returns limits that suit people, including a classroom behind one address.
func DefaultLimits() Limits {
	return Limits{
		RegisterPerIP: 60, LoginPerIP: 120, LoginPerAccount: 10, RefreshPerIP: 600,
		GuessesPerHour: 20, GuessesPerDay: 60, GuessesPerPlace: 100,
	}
}

// Limiter counts tries against quotas; store/presence implements it.
type Limiter interface {
	// Spend takes one from each quota, or from none of them when one is used up.
	Spend(ctx context.Context, quotas ...store.Quota) (balances []store.Balance, ok bool)
	// Check reports what Spend would, and takes nothing.
	Check(ctx context.Context, quotas ...store.Quota) (balances []store.Balance, ok bool)
	// Return gives back one of each quota, which was spent before.
	Return(ctx context.Context, quotas ...store.Quota)
}

// Tries limits how often a secret may be guessed and a mail may be asked for.
type Tries struct {
	Limiter Limiter
	Limits  Limits
}

// PerMinute returns a quota of n tries a minute.
func PerMinute(key string, n int) store.Quota {
	return store.Quota{Key: key, Units: n, Window: time.Minute}
}

// Spend counts a try against each quota. It returns a LimitError, and counts nothing, when one of
// them is used up.
func (t Tries) Spend(ctx context.Context, quotas ...store.Quota) error {
	if balances, ok := t.Limiter.Spend(ctx, quotas...); !ok {
		return tooManyTries(balances)
	}
	return nil
}

// Check returns the error that Spend would, without counting a try.
func (t Tries) Check(ctx context.Context, quotas ...store.Quota) error {
	if balances, ok := t.Limiter.Check(ctx, quotas...); !ok {
		return tooManyTries(balances)
	}
	return nil
}

func tooManyTries(balances []store.Balance) *LimitError {
	e := &LimitError{Detail: "Too many tries. Wait a little, then try again."}
	for _, b := range balances {
		e.RetryAfter = max(e.RetryAfter, b.Retry)
	}
	return e
}

// mailsPerHour is the number of mails of one kind that can be sent to one address in an hour.
// Kinds are counted separately, so that using up one does not block the others.
const mailsPerHour = 5

// AllowMail counts a mail that anybody may ask for, and reports whether to send it. When it
// returns false the caller answers as if the mail had been sent.
func (t Tries) AllowMail(ctx context.Context, template store.MailTemplate, email string) bool {
	_, ok := t.Limiter.Spend(ctx, store.Quota{
		Key: "letter:" + string(template) + ":" + HashEmail(email), Units: mailsPerHour,
		Window: time.Hour,
	})
	return ok
}

// HashEmail returns what the keys of quotas hold in place of an address.
func HashEmail(email string) string {
	h := sha256.Sum256([]byte(email))
	return hex.EncodeToString(h[:12])
}
