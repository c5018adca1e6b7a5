package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"bedside/store"
)

// Errors of codes of an authenticator app.
var (
	// ErrWrongCode is returned when a code is not the app's code at this time.
	ErrWrongCode = fmt.Errorf("wrong code: %w", store.ErrInvalid)
	// ErrUsedCode is returned when a code, or a later one, was accepted before.
	ErrUsedCode = fmt.Errorf("the code was used before: %w", store.ErrInvalid)
)

// The parameters that every authenticator app supports (RFC 6238, RFC 4226).
const (
	totpPeriod = 30 * time.Second
	totpDigits = 6
	totpSecret = 20 // bytes
)

// UseTOTP accepts a code of the app, once: it records the code's time step in the factor, which
// the caller stores under the row's lock. It returns ErrWrongCode or ErrUsedCode when it does not.
func (s *Sessions) UseTOTP(f *store.Factor, code string, now time.Time) error {
	secret, err := s.Unseal(f.Secret, f.UserID)
	if err != nil {
		return err
	}
	step, ok := TOTPStep(secret, code, now)
	if !ok {
		return ErrWrongCode
	}
	if err := f.UseStep(step); err != nil {
		return ErrUsedCode
	}
	return nil
}

// NewTOTPSecret returns a random secret for an authenticator app.
func NewTOTPSecret() []byte {
	secret := make([]byte, totpSecret)
	_, _ = rand.Read(secret) // never fails
	return secret
}

// FormatTOTPSecret returns a secret as people type it.
func FormatTOTPSecret(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// TOTPURI returns a secret in the otpauth key URI format, which apps read from a QR code.
func TOTPURI(secret []byte, account string) string {
	q := url.Values{
		"secret": {FormatTOTPSecret(secret)}, "issuer": {"Bedside"}, "algorithm": {"SHA1"},
		"digits": {"6"}, "period": {"30"},
	}
	return "otpauth://totp/" + url.PathEscape("Bedside:"+account) + "?" +
		strings.ReplaceAll(q.Encode(), "+", "%20")
}

// TOTPStep returns the time step of a code if it is the current one, the one before or the one
// after: the clocks of devices differ.
func TOTPStep(secret []byte, code string, now time.Time) (step int64, ok bool) {
	current := now.Unix() / int64(totpPeriod/time.Second)
	for _, s := range []int64{current, current - 1, current + 1} {
		if subtle.ConstantTimeCompare([]byte(totpCode(secret, s)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// totpCode returns the HOTP value of RFC 4226 for a time step.
func totpCode(secret []byte, step int64) string {
	h := hmac.New(sha1.New, secret)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	h.Write(counter[:])
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", totpDigits,
		(binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

const recoveryCodes = 10 // of an account

// NewRecoveryCodes returns codes of 80 random bits each, and their hashes to store.
func NewRecoveryCodes(userID string) (codes []string, hashes [][]byte) {
	for range recoveryCodes {
		var b [10]byte
		_, _ = rand.Read(b[:]) // never fails
		s := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
		code := s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
		codes, hashes = append(codes, code), append(hashes, RecoveryHash(userID, code))
	}
	return codes, hashes
}

// RecoveryHash returns the hash of a recovery code. Case, spaces and hyphens do not matter.
func RecoveryHash(userID, code string) []byte {
	plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
	h := sha256.Sum256([]byte("bedside recovery " + userID + " " + plain))
	return h[:]
}

// UseCode accepts a code of an authenticator app or, when it is longer, a recovery code, and uses
// it up. Spaces in it do not count, because apps show digits in groups. It returns the name of
// what was used, and ErrWrongCode or ErrUsedCode.
func (s *Sessions) UseCode(f *store.Factor, code string, now time.Time) (used string, err error) {
	code = strings.Join(strings.Fields(code), "")
	if len(code) <= totpDigits {
		return "an authenticator app", s.UseTOTP(f, code, now)
	}
	if !f.UseRecovery(RecoveryHash(f.UserID, code)) {
		return "a recovery code", ErrWrongCode
	}
	return "a recovery code", nil
}
