package auth

import (
	"context"
	"strings"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/matching"
)

// Check checks a new password. It returns ErrPasswordLength when it is too short or too long,
// ErrPasswordCommon when it is easy to guess, and a LimitError when too many callers wait. about
// is the owner's name and address, which do not count as hard to guess. There are no rules about
// kinds of characters.
func (p *Passwords) Check(ctx context.Context, password string, about ...string) error {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return ErrPasswordLength
	}
	if err := CheckOwn(password, about...); err != nil {
		return err
	}
	return p.work(ctx, func() error {
		if score(password, about) < p.minScore {
			return ErrPasswordCommon
		}
		return nil
	})
}

// CheckOwn returns ErrPasswordCommon for a password that is its owner's name or address. It is for
// rules that run under a lock, where Check takes too long.
func CheckOwn(password string, about ...string) error {
	lower := strings.ToLower(password)
	for _, a := range about {
		a = strings.ToLower(strings.TrimSpace(a))
		local, _, _ := strings.Cut(a, "@")
		if lower == a || lower == local || lower == strings.ReplaceAll(a, " ", "") {
			return ErrPasswordCommon
		}
	}
	return nil
}

// score estimates with zxcvbn how hard a password is to guess, from 0 to 4. It knows common
// passwords, names, words, keyboard runs, dates and repeats, and what they cost in combination.
//
// zxcvbn's own search for letters written as digits and signs takes seconds for a password made
// for that, so score estimates such a password as plain letters instead, and takes the lowest.
func score(password string, about []string) int {
	// Words that zxcvbn's lists, of 2012, lack.
	inputs := []string{
		"bedside", "instagram", "tiktok", "whatsapp", "fortnite", "covid", "motdepasse",
	}
	for _, a := range about {
		inputs = append(inputs, strings.FieldsFunc(strings.ToLower(a), func(r rune) bool {
			return strings.ContainsRune(" .,-_+@'", r)
		})...)
	}
	lowest := 4
	seen := map[string]bool{}
	for _, letters := range []*strings.Replacer{
		strings.NewReplacer(),
		strings.NewReplacer("4", "a", "@", "a", "8", "b", "(", "c", "3", "e", "6", "g", "1", "i",
			"!", "i", "|", "i", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "2", "z"),
		strings.NewReplacer("4", "a", "@", "a", "3", "e", "1", "l", "|", "l", "0", "o", "$", "s",
			"5", "s", "7", "l"),
	} {
		plain := letters.Replace(password)
		if seen[plain] {
			continue
		}
		seen[plain] = true
		lowest = min(lowest,
			zxcvbn.PasswordStrength(plain, inputs, matching.FilterL33tMatcher).Score)
	}
	return lowest
}
