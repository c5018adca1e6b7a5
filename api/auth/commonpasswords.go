package auth

import (
	_ "embed"
	"strings"
)

//go:embed common.txt
var commonWords string

// commonPasswords returns the passwords that an attacker tries first: the words of common.txt with
// usual endings, and runs of keys and digits. There are about 16,000, all in lower case and none
// shorter than MinPassword.
func commonPasswords() map[string]bool {
	set := map[string]bool{}
	add := func(s string) {
		if len(s) >= MinPassword {
			set[s] = true
		}
	}
	endings := strings.Fields(`1 2 12 123 1234 12345 123456 0 01 007 11 22 69 99 00 000 111 321 666
		777 ! !! 1! 123! @123 #1 . 2020 2021 2022 2023 2024 2025 2026 2027 @2025 @2026`)
	for line := range strings.Lines(commonWords) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, word := range strings.Fields(line) {
			add(word)
			add(word + word)
			for _, ending := range endings {
				add(word + ending)
			}
		}
	}
	for _, keys := range []string{
		"1234567890", "0987654321", "0123456789", "9876543210", "12345678900987654321",
		"qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "abcdefghijklmnopqrstuvwxyz",
	} {
		for from := range keys {
			for to := from + MinPassword; to <= len(keys); to++ {
				add(keys[from:to])
			}
		}
	}
	for _, unit := range []string{
		"12", "123", "1234", "12345", "123456", "123321", "1212", "112233", "121212", "147258369",
		"159753", "987654", "00", "147852", "789456123", "password", "abc", "abcd", "qwe", "asd",
		"ab", "a1",
	} {
		for n := 1; n*len(unit) <= 20; n++ {
			add(strings.Repeat(unit, n))
		}
	}
	for c := byte('!'); c <= '~'; c++ {
		for n := MinPassword; n <= 16; n++ {
			add(strings.ToLower(strings.Repeat(string(c), n)))
		}
	}
	// A year twice, as 19901990. Full dates of birth are too many to list.
	for year := 1940; year <= 2030; year++ {
		y := string([]byte{
			byte('0' + year/1000), byte('0' + year/100%10), byte('0' + year/10%10),
			byte('0' + year%10),
		})
		add(y + y)
	}
	return set
}

// Check checks a new password. It returns ErrPasswordLength when it is too short or too long, and
// ErrPasswordCommon when it is widely used, in upper or lower case, or equal to one of about,
// which is the owner's name and address. There are no rules about kinds of characters.
func (p *Passwords) Check(password string, about ...string) error {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return ErrPasswordLength
	}
	lower := strings.ToLower(password)
	if p.common[lower] {
		return ErrPasswordCommon
	}
	for _, a := range about {
		a = strings.ToLower(strings.TrimSpace(a))
		local, _, _ := strings.Cut(a, "@")
		if lower == a || lower == local || lower == strings.ReplaceAll(a, " ", "") {
			return ErrPasswordCommon
		}
	}
	return nil
}
