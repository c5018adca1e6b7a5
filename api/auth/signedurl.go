package auth

import (
	"crypto/hmac"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"

	"bedside/store"
)

const (
	// urlLifetime is how long a signed address works at least.
	urlLifetime = 15 * time.Minute
	// urlStep is how long the address of a thing stays the same, so that browsers cache what is
	// there.
	urlStep = 5 * time.Minute
)

// SignURL returns an address with a signature that lets anyone who has it read one thing for
// some minutes, for what a browser requests without an access token, such as pictures. what names
// the thing, such as "media <id>". VerifyURL checks the query of the address.
func (s *Sessions) SignURL(path, what string) (address string, expires time.Time) {
	expires = s.tokens.cfg.Clock().Truncate(urlStep).Add(urlStep + urlLifetime).UTC()
	query := url.Values{
		"expires":   {strconv.FormatInt(expires.Unix(), 10)},
		"signature": {urlSignature(s.tokens.ring.current.url, what, expires.Unix())},
	}
	return path + "?" + query.Encode(), expires
}

// VerifyURL reports whether a signature is SignURL's for the same thing and time (in seconds since
// 1970), by a key that is still configured, and the time has not passed.
func (s *Sessions) VerifyURL(what string, expires int64, signature string) bool {
	if s.tokens.cfg.Clock().Unix() >= expires {
		return false
	}
	for _, key := range s.tokens.ring.byID {
		if hmac.Equal([]byte(signature), []byte(urlSignature(key.url, what, expires))) {
			return true
		}
	}
	return false
}

func urlSignature(key []byte, what string, expires int64) string {
	text := strconv.FormatInt(expires, 10) + " " + what
	return base64.RawURLEncoding.EncodeToString(mac(key, []byte(text))[:24])
}

// MediaURL returns an address of a medium that works without an access token for some minutes, or
// "" for no medium.
func (s *Sessions) MediaURL(id string) string {
	if id == "" {
		return ""
	}
	address, _ := s.SignURL(store.MediaPath(id), MediaSubject(id))
	return address
}

// MediaSubject names a medium for SignURL and VerifyURL.
func MediaSubject(id string) string { return "media " + id }
