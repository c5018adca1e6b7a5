package auth

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestStrangePlacesShareAQuota(t *testing.T) {
	tries := Tries{
		Limiter: fakeLimiter{},
		Limits: Limits{
			LoginPerAccount: 2, GuessesPerHour: 5, GuessesPerDay: 9, GuessesPerPlace: 3,
		},
	}
	at := func(network string) Place { return Place{Network: network} }
	for i := range 5 {
		if _, _, err := tries.TryGuess(t.Context(), "login", "dana",
			at(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	_, exhausted, err := tries.TryGuess(t.Context(), "login", "dana", at("another"))
	var limit *LimitError
	if !errors.As(err, &limit) || !exhausted || limit.RetryAfter != time.Hour {
		t.Errorf("a sixth place: exhausted %v, %v", exhausted, err)
	}
	for _, p := range []Place{
		{Network: "another", Familiar: true}, {Network: "another", Device: "d", Familiar: true},
	} {
		for range 2 {
			g, _, err := tries.TryGuess(t.Context(), "login", "dana", p)
			if err != nil {
				t.Fatalf("%+v: %v", p, err)
			}
			g.Withdraw(t.Context())
		}
		for i := range 3 {
			_, exhausted, err := tries.TryGuess(t.Context(), "login", "dana", p)
			if (err != nil) != (i == 2) || exhausted {
				t.Errorf("%+v, try %d: exhausted %v, %v", p, i+1, exhausted, err)
			}
		}
	}
	if _, _, err := tries.TryGuess(t.Context(), "login", "theo", at("another")); err != nil {
		t.Errorf("another account: %v", err)
	}
}

func TestDeviceCookie(t *testing.T) {
	key := func(id string) Key { return Key{ID: id, Secret: bytes.Repeat([]byte(id), minSecret)} }
	open := func(keys ...Key) *Sessions {
		s, err := NewSessions(Config{Keys: keys}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open(key("a"))
	cookie := s.RememberDevice("not ours", "dana")
	id, ok := s.FamiliarDevice(cookie, "dana")
	if !ok || id == "" {
		t.Error("the device is not familiar to its account")
	}
	if id, ok := s.FamiliarDevice(cookie, "theo"); ok || id != "" {
		t.Error("the device is familiar to another account")
	}
	if _, ok := s.FamiliarDevice(cookie, ""); ok {
		t.Error("the device is familiar to nobody's account")
	}
	rotated := open(key("b"), key("a"))
	if again, ok := rotated.FamiliarDevice(cookie, "dana"); !ok || again != id {
		t.Error("a new key makes the device strange")
	}
	if _, ok := open(key("b")).FamiliarDevice(cookie, "dana"); ok {
		t.Error("another server's cookie is accepted")
	}
	cookie = rotated.RememberDevice(cookie, "dana")
	for i := range deviceMost {
		if _, ok := rotated.FamiliarDevice(cookie, "dana"); !ok {
			t.Errorf("forgotten after %d other accounts", i)
		}
		cookie = rotated.RememberDevice(cookie, fmt.Sprint("other", i))
		if again, ok := rotated.FamiliarDevice(cookie,
			fmt.Sprint("other", i)); !ok || again != id {
			t.Errorf("account %d is not remembered on the same device", i)
		}
	}
	if _, ok := rotated.FamiliarDevice(cookie, "dana"); ok || len(cookie) > 200 {
		t.Errorf("the cookie grows without bound: %d bytes", len(cookie))
	}
}
