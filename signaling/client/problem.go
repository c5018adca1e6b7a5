package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is an error response of the REST API (RFC 9457).
type Problem struct {
	Type     string  `json:"type"`
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail"`
	Instance string  `json:"instance"`
	Fields   []Field `json:"errors"`

	// RetryAfter is the response's Retry-After; zero if there is none.
	RetryAfter time.Duration `json:"-"`
	// Request is the request that failed, as "METHOD /path".
	Request string `json:"-"`
}

// Field describes an invalid part of a request.
type Field struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Code returns the last part of the problem's type, such as "report-pending".
func (p *Problem) Code() string { return p.Type[strings.LastIndex(p.Type, ":")+1:] }

// Error returns title, status, detail and fields.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (%d)", p.Request, p.Title, p.Status)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, f := range p.Fields {
		if f.Message != p.Detail {
			fmt.Fprintf(&b, " [%s: %s]", f.Location, f.Message)
		}
	}
	return b.String()
}

const maxProblem = 64 << 10

// problemOf reads the response to a failed request. Other formats than problem documents become a
// Problem with the response's status.
func problemOf(request string, res *http.Response) *Problem {
	p := &Problem{}
	// an invalid Content-Type counts as none
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err == nil && media == "application/problem+json" {
		err = json.Unmarshal(body, p)
	}
	if err != nil {
		p = &Problem{Detail: "the response could not be read: " + err.Error()}
	} else if media == "text/plain" {
		p.Detail = strings.TrimSpace(string(body[:min(len(body), 200)]))
	}
	p.Status, p.Request = res.StatusCode, request
	if p.Title == "" {
		p.Title = http.StatusText(res.StatusCode)
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		p.RetryAfter = time.Duration(min(s, 24*60*60)) * time.Second
	}
	return p
}
