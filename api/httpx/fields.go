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

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"
)

// CleanEmail returns an address in the form that is stored, or a Fault about body.email. The local
// part is in lower case, by PRECIS (RFC 8265) without invisible characters and such as change the
// direction of writing. The domain is in its ASCII form, by IDNA, so that addresses which look the
// same to their owner are the same.
func CleanEmail(s string) (string, error) {
	invalid := Invalid("body.email", "This is not an e-mail address.")
	s = strings.TrimSpace(s)
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > 254 {
		return "", invalid
	}
	local, err := precis.UsernameCaseMapped.String(s[:at])
	if err != nil {
		return "", Invalid("body.email",
			"The part before the @ has a character that addresses do not have, such as an "+
				"invisible one. Type it instead of copying it.")
	}
	domain, err := emailDomain().ToASCII(s[at+1:])
	if err != nil || !strings.Contains(domain, ".") {
		return "", Invalid("body.email",
			"The part after the @ is not a name of a mail server. Type it instead of copying it.")
	}
	s = local + "@" + domain
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > 254 {
		return "", invalid
	}
	return s, nil
}

func emailDomain() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false),
		idna.StrictDomainName(true), idna.VerifyDNSLength(true))
}

// CleanName returns a name as a nickname of PRECIS (RFC 8266): without space around it or twice
// within it, and in one normal form; or a Fault about body.name.
func CleanName(s string) (string, error) {
	name, err := precis.Nickname.String(s)
	if err != nil || !strings.ContainsFunc(name, unicode.IsLetter) || len(name) > 4*maxName ||
		utf8.RuneCountInString(name) > maxName {
		return "", Invalid("body.name", "A name has at least one letter, at most 120 characters, "+
			"and no line breaks, invisible characters or such as change the direction of "+
			"writing. Type it instead of copying it.")
	}
	return name, nil
}

// maxName is the number of characters that the database keeps of a name.
const maxName = 120

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
