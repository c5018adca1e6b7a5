package auth

import (
	_ "embed"
	"strings"
)

//go:embed common.txt
var commonWords string

// commonPasswords builds the passwords that anybody would try first: the words of common.txt with
// what people add to them, and runs of keys and digits. It is some 16,000 entries, all in lower
// case and none shorter than a password may be.
func commonPasswords() map[string]bool {
	set := map[string]bool{}
	add := func(s string) {
		if len(s) >= MinPassword {
			set[s] = true
		}
	}
	endings := strings.Fields("1 2 12 123 1234 12345 123456 0 01 007 11 22 69 99 00 000 111 321 666 777 ! !! 1! 123! @123 #1 . 2020 2021 2022 2023 2024 2025 2026 2027 @2025 @2026")
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
	// dates of birth are guessed by the thousand, so only years are held here
	for year := 1940; year <= 2030; year++ {
		y := string([]byte{
			byte('0' + year/1000), byte('0' + year/100%10), byte('0' + year/10%10),
			byte('0' + year%10),
		})
		add(y + y)
	}
	return set
}

// Check reports what is wrong with a new password: ErrPasswordLength, or ErrPasswordCommon when
// it is among those that anybody would try first, in any case of letters, or is one of about,
// which is what everybody knows of its owner. Nothing is asked of its composition.
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
