package auth

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestTOTP uses the test vectors of RFC 6238, appendix B, cut to six digits.
func TestTOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924",
		2000000000: "279037", 20000000000: "353130",
	} {
		step, ok := TOTPStep(secret, code, time.Unix(at, 0))
		if !ok || step != at/30 {
			t.Errorf("%s at %d: step %d, %v; want %d", code, at, step, ok, at/30)
		}
		for _, off := range []int64{-30, 30} {
			if step, ok := TOTPStep(secret, code, time.Unix(at+off, 0)); !ok || step != at/30 {
				t.Errorf("%s %d s off: step %d, %v", code, off, step, ok)
			}
		}
		for _, off := range []int64{-90, 60} {
			if _, ok := TOTPStep(secret, code, time.Unix(at+off, 0)); ok {
				t.Errorf("%s is accepted %d s off", code, off)
			}
		}
	}
	for _, bad := range []string{"", "28708", "2870822", "287083", "٢٨٧٠٨٢"} {
		if _, ok := TOTPStep(secret, bad, time.Unix(59, 0)); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
	want := "otpauth://totp/Bedside:a%20b+c@example.org?algorithm=SHA1&digits=6&issuer=Bedside" +
		"&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	if got := TOTPURI(secret, "a b+c@example.org"); got != want {
		t.Errorf("URI %s, want %s", got, want)
	}
}

func TestRecoveryCodes(t *testing.T) {
	codes, hashes := NewRecoveryCodes("dana")
	if len(codes) != 10 || len(hashes) != 10 {
		t.Fatalf("%d codes, %d hashes", len(codes), len(hashes))
	}
	typed := strings.ToUpper(strings.ReplaceAll(codes[3], "-", " "))
	if !bytes.Equal(RecoveryHash("dana", typed), hashes[3]) {
		t.Errorf("%q typed as %q has another hash", codes[3], typed)
	}
	if bytes.Equal(RecoveryHash("theo", codes[3]), hashes[3]) {
		t.Error("two users have the same hash of a code")
	}
	if codes[0] == codes[1] {
		t.Error("two codes are the same")
	}
}

func TestSeal(t *testing.T) {
	old := Key{ID: "old", Secret: bytes.Repeat([]byte("o"), 32)}
	current := Key{ID: "new", Secret: bytes.Repeat([]byte("n"), 32)}
	open := func(keys ...Key) *Sessions {
		s, err := NewSessions(Config{Keys: keys}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	plain := []byte("a secret")
	sealed, err := open(old).Seal(plain, "dana")
	if err != nil || bytes.Contains(sealed, plain) {
		t.Fatalf("sealed as %q, %v", sealed, err)
	}
	if got, err := open(current, old).Unseal(sealed, "dana"); err != nil ||
		!bytes.Equal(got, plain) {
		t.Errorf("after the key was replaced: %q, %v", got, err)
	}
	if _, err := open(current).Unseal(sealed, "dana"); err == nil {
		t.Error("opened without its key")
	}
	if _, err := open(old).Unseal(sealed, "theo"); err == nil {
		t.Error("opened for another owner")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := open(old).Unseal(changed, "dana"); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
		if _, err := open(old).Unseal(sealed[:i], "dana"); err == nil {
			t.Errorf("opened when cut to %d bytes", i)
		}
	}
}
