package auth

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bedside/store"

	"golang.org/x/crypto/bcrypt"
)

func newTestPasswords(t *testing.T, cfg Config) *Passwords {
	t.Helper()
	cfg.HashCost = bcrypt.MinCost
	p, err := NewPasswords(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheckRefusesCommonPasswords(t *testing.T) {
	passwords := newTestPasswords(t, Config{})
	list, err := os.ReadFile("testdata/common-passwords.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for p := range strings.FieldsSeq(string(list)) {
		n++
		if err := passwords.Check(t.Context(), p); !errors.Is(err, ErrPasswordCommon) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if n < 500 {
		t.Errorf("the list has %d entries", n)
	}
}

func TestCheckAcceptsUncommonPasswords(t *testing.T) {
	passwords := newTestPasswords(t, Config{})
	for _, p := range []string{
		"gr8-tram-window", "correct horse battery", "quiet-harbour-lamp", "seven green lanterns",
		"mtkvqzpx", "Ärztin mag Kürbissuppe", "vK3#pw9!xQ", strings.Repeat("tram window ", 6),
	} {
		if err := passwords.Check(t.Context(), p); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
	strict := newTestPasswords(t, Config{PasswordScore: 4})
	if err := strict.Check(t.Context(), "mtkvqzpx"); !errors.Is(err, ErrPasswordCommon) {
		t.Errorf("the setting has no effect: %v", err)
	}
}

func TestCheckKnowsTheOwner(t *testing.T) {
	passwords := newTestPasswords(t, Config{})
	about := []string{"dana.kovacevic@example.org", "Dana Kovačević"}
	for _, p := range []string{
		"dana.kovacevic", "dana.kovacevic@example.org", "Dana Kovačević", "kovacevic1",
		"Kovacevic2026", "danakovacevic!",
	} {
		if err := passwords.Check(t.Context(), p, about...); !errors.Is(err, ErrPasswordCommon) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if err := passwords.Check(t.Context(), "gr8-tram-window", "", "x"); err != nil {
		t.Errorf("an empty name: %v", err)
	}
}

func TestCheckRefusesLengths(t *testing.T) {
	passwords := newTestPasswords(t, Config{})
	for _, p := range []string{"", "short", strings.Repeat("p", MaxPassword+1)} {
		if err := passwords.Check(t.Context(), p); !errors.Is(err, ErrPasswordLength) ||
			!errors.Is(err, store.ErrInvalid) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

// BenchmarkCheck prints the cost of passwords made to be slow. zxcvbn's own search for letters
// written as signs took 3.5 s for the first.
func BenchmarkCheck(b *testing.B) {
	p, err := NewPasswords(Config{HashCost: bcrypt.MinCost})
	if err != nil {
		b.Fatal(err)
	}
	for _, password := range []string{
		strings.Repeat("4@8({[<369&1!|0$5+7%2", 4)[:MaxPassword],
		strings.Repeat("0123456789", 8)[:MaxPassword], strings.Repeat("1", MaxPassword),
	} {
		b.Run(password[:10], func(b *testing.B) {
			for b.Loop() {
				_ = p.Check(b.Context(), password)
			}
		})
	}
}

// TestPasswordsWaitBriefly holds the only slots for longer than callers wait.
func TestPasswordsWaitBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestPasswords(t, Config{})
		for range cap(p.slots) {
			p.slots <- struct{}{}
		}
		began := time.Now()
		_, err := p.Compare(t.Context(), "", "password")
		var limit *LimitError
		if !errors.As(err, &limit) || limit.RetryAfter <= 0 || limit.Detail == "" {
			t.Errorf("%v", err)
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("waited %v", waited)
		}
		if len(p.places) != 0 {
			t.Error("the place is still taken")
		}
	})
}
