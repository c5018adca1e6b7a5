package web

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// MediaOrigins returns the origins of the media nodes' WebSockets that are on other hosts than the
// pages, such as wss://media1.example.org. It is called with each request and must not take long.
type MediaOrigins func(ctx context.Context) []string

// policy is the content security policy of the pages. The one in the page itself allows WebSockets
// to any host; the header, which has the last word, those of the media nodes only.
type policy struct{ before, after string } // the end of connect-src

// readPolicy returns the content security policy that the build wrote into the page, with the
// hashes of its scripts, plus frame-ancestors, which only a header can set.
func readPolicy(page []byte) (p policy, err error) {
	meta := regexp.MustCompile(`<meta http-equiv="content-security-policy" content="([^"]+)"`)
	found := meta.FindSubmatch(page)
	if found == nil {
		return p, errors.New("web: index.html has no content security policy: " +
			"build the pages with kit.csp set")
	}
	var before, after []string
	for directive := range strings.SplitSeq(html.UnescapeString(string(found[1])), ";") {
		directive = strings.TrimSpace(directive)
		name, sources, _ := strings.Cut(directive, " ")
		switch {
		case name == "connect-src":
			before, after = append(after, "connect-src 'self'"), nil
			continue
		case (name == "default-src" || strings.HasPrefix(name, "script-src")) &&
			(strings.Contains(sources, "'unsafe-inline'") ||
				strings.Contains(sources, "'unsafe-eval'")):
			return p, fmt.Errorf(
				"web: index.html's content security policy allows any script: %s", directive)
		}
		after = append(after, directive)
	}
	if before == nil {
		return p, errors.New("web: index.html's content security policy has no connect-src")
	}
	after = append(after, "frame-ancestors 'none'")
	return policy{strings.Join(before, "; "), "; " + strings.Join(after, "; ")}, nil
}

// header returns the policy with connections to the media nodes.
func (p policy) header(media []string) string {
	var b strings.Builder
	b.WriteString(p.before)
	for _, origin := range media {
		if isOrigin(origin) {
			b.WriteString(" " + origin)
		}
	}
	b.WriteString(p.after)
	return b.String()
}

// isOrigin reports whether an origin is one of WebSockets and can stand in a policy, whose meaning
// it must not change otherwise.
func isOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "ws" || u.Scheme == "wss") &&
		u.Scheme+"://"+u.Host == origin && u.Host != "" &&
		strings.IndexFunc(u.Host, func(r rune) bool {
			return !strings.ContainsRune(
				"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:*[]", r)
		}) < 0
}
