package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"time"

	"bedside/store"
)

// RecentSignIn is how long an address from which somebody has signed in stays familiar.
const RecentSignIn = 30 * 24 * time.Hour

// Place is where a sign-in comes from. It is familiar to an account when the account has signed in
// there before: on the device, which keeps a signed cookie, or from the network address.
//
// Guesses from all strange places share one quota of the account, so that a password cannot be
// guessed from many addresses at once. Each familiar place has a quota of its own, so that nobody
// who guesses elsewhere can keep the owner out.
type Place struct {
	Network  string // the address of the client, of IPv6 the /64
	Device   string // of the cookie; empty when it is not of this account
	Familiar bool
}

// Guess is a try of a secret of an account.
type Guess struct {
	quotas  []store.Quota
	limiter Limiter
}

// TryGuess counts a try of a kind of secret ("login", "code") of an account, before the secret is
// compared: of any number of tries at once no more are compared than the quotas allow. It returns
// a LimitError when they are used up; exhausted reports whether that is the quota which all
// strange places share.
func (t Tries) TryGuess(ctx context.Context, kind, account string, p Place) (g Guess,
	exhausted bool, err error) {
	day := func(key string, n int) store.Quota {
		return store.Quota{Key: kind + ":day:" + key, Units: n, Window: 24 * time.Hour}
	}
	g.limiter = t.Limiter
	if p.Familiar {
		key := account + ":network:" + p.Network
		if p.Device != "" {
			key = account + ":device:" + p.Device
		}
		g.quotas = []store.Quota{
			PerMinute(kind+":"+key, t.Limits.LoginPerAccount), day(key, t.Limits.GuessesPerPlace),
		}
		return g, false, t.Spend(ctx, g.quotas...)
	}
	g.quotas = []store.Quota{
		PerMinute(kind+":"+account+":"+p.Network, t.Limits.LoginPerAccount),
		{Key: kind + ":hour:" + account, Units: t.Limits.GuessesPerHour, Window: time.Hour},
		day(account, t.Limits.GuessesPerDay),
	}
	balances, ok := t.Limiter.Spend(ctx, g.quotas...)
	if ok {
		return g, false, nil
	}
	limit := tooManyTries(balances)
	if exhausted = balances[1].Retry > 0 || balances[2].Retry > 0; exhausted {
		limit.Detail = "There were too many wrong tries for this account. Sign in on a device " +
			"that you have used before, or with a passkey, or choose a new password with a " +
			"mailed link; or wait."
	}
	return g, exhausted, limit
}

// Withdraw takes the try back: the secret was right, or it was not compared.
func (g Guess) Withdraw(ctx context.Context) { g.limiter.Return(ctx, g.quotas...) }

// The device cookie has an id of the device and, for each account that has signed in on it, the
// HMAC of the id and the account. It names no account, and is not a way to sign in: it only makes
// the device familiar. It works for as long as auth.key, or an old key, is the one that signed it.
const (
	deviceIDBytes = 16
	deviceTag     = 16
	deviceMost    = 8 // accounts on one device; of more, the last ones
)

// FamiliarDevice returns the id of the device whose cookie this is. ok reports whether the account
// has signed in on it; the id is empty unless it has.
func (s *Sessions) FamiliarDevice(cookie, userID string) (id string, ok bool) {
	device, tags := parseDevice(cookie)
	for _, key := range s.tokens.ring.byID {
		want := mac(key.device, device, []byte(userID))[:deviceTag]
		if userID != "" && slices.ContainsFunc(tags, func(tag []byte) bool {
			return subtle.ConstantTimeCompare(tag, want) == 1
		}) {
			return base64.RawURLEncoding.EncodeToString(device), true
		}
	}
	return "", false
}

// RememberDevice returns the cookie with an account added, which has just signed in on the device.
// A cookie that is not one of ours is replaced.
func (s *Sessions) RememberDevice(cookie, userID string) string {
	device, tags := parseDevice(cookie)
	if device == nil {
		device = make([]byte, deviceIDBytes)
		_, _ = rand.Read(device) // never fails
	}
	for _, key := range s.tokens.ring.byID {
		old := mac(key.device, device, []byte(userID))[:deviceTag]
		tags = slices.DeleteFunc(tags, func(tag []byte) bool { return bytes.Equal(tag, old) })
	}
	tags = append(tags, mac(s.tokens.ring.current.device, device, []byte(userID))[:deviceTag])
	tags = tags[max(0, len(tags)-deviceMost):]
	return base64.RawURLEncoding.EncodeToString(
		bytes.Join(append([][]byte{device}, tags...), nil))
}

// parseDevice returns nil unless the cookie has the form of a device's.
func parseDevice(cookie string) (device []byte, tags [][]byte) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil || len(b) < deviceIDBytes || (len(b)-deviceIDBytes)%deviceTag != 0 ||
		len(b) > deviceIDBytes+deviceMost*deviceTag {
		return nil, nil
	}
	return b[:deviceIDBytes], slices.Collect(slices.Chunk(b[deviceIDBytes:], deviceTag))
}
