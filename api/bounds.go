package api

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Limits for values whose declaration has none.
const (
	maxText  = 20_000    // characters of a text
	maxBytes = 1 << 30   // bytes of a file
	maxList  = 100_000   // elements of a list, such as the points of a report
	maxPage  = 1000      // elements of a page ("items")
	maxCount = 1<<53 - 1 // the largest integer that a JSON number represents exactly
)

// lengths returns the longest texts of well-known formats.
func lengths() map[string]int {
	return map[string]int{
		"date-time": 35, "date": 10, "uuid": 36, "email": 254, "uri": 2048, "binary": maxBytes,
	}
}

// addLimits gives every text, list and integer of the description a limit, so that generated
// clients know what to expect. Requests that exceed a limit are rejected.
func addLimits(api huma.API) {
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

// bound adds limits to a schema and everything below it. name is that of the property.
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

// commonHeaders returns the headers that most responses have.
func commonHeaders() map[string]*huma.Param {
	text := func(doc, example string) *huma.Param {
		return &huma.Param{
			Description: doc,
			Schema:      &huma.Schema{Type: huma.TypeString, Examples: []any{example}},
		}
	}
	return map[string]*huma.Param{
		"RateLimit": text("For each limit that applies to the request: the remaining "+
			"requests (r), and the seconds until all requests are available again (t). "+
			"The format is that of draft-ietf-httpapi-ratelimit-headers-10.",
			`"read-ip";r=11999;t=1, "read-account";r=2999;t=1`),
		"RateLimit-Policy": text("The limits: the number of requests (q) in a number of "+
			"seconds (w).",
			`"read-ip";q=12000;w=60, "read-account";q=3000;w=60`),
		"X-Request-Id": text("The id of the request, which is also in the server's log.",
			"0190d2a0-0000-4000-8000-000000000001"),
		"Access-Control-Allow-Origin": text("The origin of the page that makes the request, "+
			"if it is one of the server's allowed origins; otherwise absent.",
			"https://friend.example.org"),
		"Retry-After": {
			Description: "Seconds to wait before trying again.",
			Schema:      &huma.Schema{Type: huma.TypeInteger, Format: "int32", Examples: []any{5}},
		},
	}
}

// addCommonHeaders describes the common headers of every response.
func addCommonHeaders(api huma.API) {
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

// everyOperation returns the operations of a description, in no particular order.
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
