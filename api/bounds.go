package api

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// What has no limit of its own in the description is never larger than this.
const (
	maxText  = 20_000    // characters
	maxBytes = 1 << 30   // of a file
	maxList  = 100_000   // measures of one role play
	maxPage  = 1000      // items of a list that people read
	maxCount = 1<<53 - 1 // what a JSON number holds exactly
)

// lengths are those of texts in forms that everybody knows.
func lengths() map[string]int {
	return map[string]int{
		"date-time": 35, "date": 10, "uuid": 36, "email": 254, "uri": 2048, "binary": maxBytes,
	}
}

// bounded gives every text, list and integer of the description a limit, so that whoever
// generates a client knows what may come. Requests are held to them.
func bounded(api huma.API) {
	seen := map[*huma.Schema]bool{}
	doc := api.OpenAPI()
	for _, s := range doc.Components.Schemas.Map() {
		bound("", s, seen)
	}
	for _, h := range doc.Components.Headers {
		bound("", h.Schema, seen)
	}
	for _, op := range everyOperation(doc) {
		for _, p := range op.Parameters {
			bound(p.Name, p.Schema, seen)
		}
		if op.RequestBody != nil {
			for _, m := range op.RequestBody.Content {
				bound("", m.Schema, seen)
			}
		}
		for _, r := range op.Responses {
			for name, h := range r.Headers {
				bound(name, h.Schema, seen)
			}
			for _, m := range r.Content {
				bound("", m.Schema, seen)
			}
		}
	}
}

func bound(name string, s *huma.Schema, seen map[*huma.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	set := func(at **int, n int) {
		if *at == nil {
			*at = &n
		}
	}
	switch s.Type {
	case huma.TypeString:
		if len(s.Enum) == 0 {
			set(&s.MaxLength, cmp.Or(lengths()[s.Format], maxText))
		}
	case huma.TypeArray:
		if name == "items" {
			set(&s.MaxItems, maxPage)
		}
		set(&s.MaxItems, maxList)
	case huma.TypeInteger:
		least, most := 0.0, float64(maxCount)
		if s.Minimum == nil && s.ExclusiveMinimum == nil {
			s.Minimum = &least
		}
		if s.Maximum == nil && s.ExclusiveMaximum == nil {
			s.Maximum = &most
		}
	}
	s.PrecomputeMessages()
	bound("", s.Items, seen)
	for name, p := range s.Properties {
		bound(name, p, seen)
	}
}

// commonHeaders are those of many answers, described once.
func commonHeaders() map[string]*huma.Param {
	text := func(doc, example string) *huma.Param {
		return &huma.Param{
			Description: doc,
			Schema:      &huma.Schema{Type: huma.TypeString, Examples: []any{example}},
		}
	}
	return map[string]*huma.Param{
		"RateLimit": text("For each limit that the request counts towards: the requests that are left (r), and the seconds until all of them are again (t). "+
			"In the form of draft-ietf-httpapi-ratelimit-headers-10.", `"read-ip";r=11999;t=1, "read-account";r=2999;t=1`),
		"RateLimit-Policy": text("The limits: requests (q) in so many seconds (w).",
			`"read-ip";q=12000;w=60, "read-account";q=3000;w=60`),
		"X-Request-Id": text("What the server's log knows the request by.",
			"0190d2a0-0000-4000-8000-000000000001"),
		"Access-Control-Allow-Origin": text(
			"The origin of the page that asks, when it is one of the server's allowed origins; otherwise there is none.",
			"https://friend.example.org"),
		"Retry-After": {
			Description: "Seconds to wait before trying again.",
			Schema:      &huma.Schema{Type: huma.TypeInteger, Format: "int32", Examples: []any{5}},
		},
	}
}

// headed adds the common headers to every answer that has them.
func headed(api huma.API) {
	doc := api.OpenAPI()
	doc.Components.Headers = commonHeaders()
	for _, op := range everyOperation(doc) {
		for code, r := range op.Responses {
			names := []string{"X-Request-Id", "Access-Control-Allow-Origin"}
			if strings.HasPrefix(code, "2") || strings.HasPrefix(code, "4") {
				names = append(names, "RateLimit", "RateLimit-Policy")
			}
			if status, err := strconv.Atoi(code); err == nil && (status == 429 || status == 503) {
				names = append(names, "Retry-After")
			}
			headers := maps.Clone(r.Headers)
			if headers == nil {
				headers = map[string]*huma.Param{}
			}
			for _, name := range names {
				headers[name] = &huma.Param{Ref: "#/components/headers/" + name}
			}
			r.Headers = headers
		}
	}
}

// everyOperation lists the operations of a description in no order.
func everyOperation(doc *huma.OpenAPI) (list []*huma.Operation) {
	for _, p := range doc.Paths {
		for _, op := range []*huma.Operation{
			p.Get, p.Put, p.Post, p.Delete, p.Options, p.Head, p.Patch, p.Trace,
		} {
			if op != nil {
				list = append(list, op)
			}
		}
	}
	return list
}
