package httpx

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"bedside/api/auth"
	"bedside/store"
)

// CleanEmail returns an address in the form that is stored, or a Fault about body.email.
func CleanEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	local, domain, _ := strings.Cut(s, "@")
	if err != nil || a.Address != s || a.Name != "" || local == "" ||
		!strings.Contains(domain, ".") || len(s) > 254 {
		return "", Invalid("body.email", "This is not an e-mail address.")
	}
	return s, nil
}

// CleanName returns a name without the space around it, or a Fault about body.name.
func CleanName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", Invalid("body.name",
			"A name has at least one letter and no control characters.")
	}
	return s, nil
}

// CheckProfession returns a Fault about body.profession unless p is a known profession or empty.
func CheckProfession(p string) error {
	if p != "" && !slices.Contains(store.Professions(), p) {
		return Invalid("body.profession",
			"The profession is one of: "+strings.Join(store.Professions(), ", ")+".")
	}
	return nil
}

// PasswordFault returns a Fault about body.password for an error of auth.Passwords.Check or Hash,
// and other errors as they are.
func PasswordFault(err error) error {
	switch {
	case errors.Is(err, auth.ErrPasswordLength):
		return Invalid("body.password",
			fmt.Sprintf("A password has %d to %d bytes.", auth.MinPassword, auth.MaxPassword))
	case errors.Is(err, auth.ErrPasswordCommon):
		f := Invalid("body.password",
			"This password is easy to guess. Choose another one: four unrelated words make a "+
				"good password.")
		f.Code = "common-password"
		return f
	case errors.Is(err, auth.ErrPasswordBreached):
		f := Invalid("body.password",
			"This password was published with those of another web site, so attackers try it. "+
				"Choose another one, and change it wherever you use it.")
		f.Code = "breached-password"
		return f
	}
	return err
}
