package auth

import (
	"errors"
	"strings"
	"testing"

	"bedside/store"

	"golang.org/x/crypto/bcrypt"
)

func TestCheckRefusesCommonPasswords(t *testing.T) {
	passwords, err := NewPasswords(bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(passwords.common); n < 3000 {
		t.Errorf("the list has %d entries", n)
	}
	isCommon := func(p string, about ...string) bool {
		return errors.Is(passwords.Check(p, about...), ErrPasswordCommon)
	}
	for _, p := range []string{
		"12345678", "123456789", "Password", "PASSWORD1", "password123", "qwertyuiop", "11111111",
		"aaaaaaaa", "iloveyou", "Summer2025", "letmein123", "1q2w3e4r", "1qaz2wsx", "football",
		"baseball1", "trustno1", "abcdefgh", "87654321", "password1!", "Nursing2026", "19901990",
	} {
		if !isCommon(p) {
			t.Errorf("%s is not common", p)
		}
	}
	for _, p := range []string{
		"a good password", "bedside-demo", "correct horse battery", "gr8-tram-window", "mtkvqzpx",
	} {
		if isCommon(p) {
			t.Errorf("%s is common", p)
		}
	}
	about := []string{"dana.kovac@example.org", "Dana Kovac"}
	for _, p := range []string{"Dana.Kovac", "dana.kovac@example.org", "dana kovac", "danakovac"} {
		if !isCommon(p, about...) {
			t.Errorf("%s is accepted, although it is the name or the address", p)
		}
	}
	if isCommon("another thing", "", "x") {
		t.Error("a password is refused because of an empty name")
	}
	for _, p := range []string{"", "short", strings.Repeat("p", 73)} {
		if err := passwords.Check(p); !errors.Is(err, ErrPasswordLength) ||
			!errors.Is(err, store.ErrInvalid) {
			t.Errorf("%q: %v", p, err)
		}
	}
}
