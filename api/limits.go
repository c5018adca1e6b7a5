package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"bedside/api/hearing"
	"bedside/api/httpx"
	"bedside/api/media"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// of returns the class of an operation and its rate.
func (r Rates) of(op *huma.Operation) (class string, rate Rate) {
	switch {
	case op.OperationID == "create-attempt" || op.OperationID == "create-exam" ||
		op.OperationID == "create-exam-attempt":
		return "attempts", r.Attempts
	case op.OperationID == "create-ticket":
		return "joins", r.Joins
	case op.OperationID == media.UploadOperation || op.OperationID == hearing.MeasureOperation:
		return "uploads", r.Uploads
	case httpx.IsExpensive(op):
		return "expensive", r.Expensive
	case strings.HasPrefix(op.Path, "/auth/"):
		return "auth", r.Auth
	case op.Method == http.MethodGet || op.Method == http.MethodHead:
		return "read", r.Read
	}
	return "write", r.Write
}

// rateLimiter limits how often operations are requested. It is safe for concurrent use.
type rateLimiter struct {
	rates  Rates
	quotas Quotas
}

// of returns the quotas of a request: that of its address, and that of its account if it has one.
func (l *rateLimiter) of(ctx huma.Context, account string) []store.Quota {
	class, rate := l.rates.of(ctx.Operation())
	var quotas []store.Quota
	if r := httpx.RequestFrom(ctx.Context()); r != nil && rate.PerIP > 0 {
		quotas = append(quotas, store.Quota{
			Key: class + ":ip:" + r.Network(), Units: rate.PerIP, Window: time.Minute,
		})
	}
	if account != "" && rate.PerAccount > 0 {
		quotas = append(quotas, store.Quota{
			Key: class + ":account:" + account, Units: rate.PerAccount, Window: time.Minute,
		})
	}
	return quotas
}

// early is a middleware that rejects requests from an address whose quota is used up, before any
// other work.
func (l *rateLimiter) early(ctx huma.Context, next func(huma.Context)) {
	quotas := l.of(ctx, "")
	if balances, ok := l.quotas.Peek(quotas...); !ok {
		l.respond(ctx, quotas, balances)
		return
	}
	next(ctx)
}

// admit counts a request of an account ("" if there is none) and reports whether it may proceed.
// If not, admit has sent the response.
func (l *rateLimiter) admit(ctx huma.Context, account string) bool {
	quotas := l.of(ctx, account)
	if len(quotas) == 0 {
		return true
	}
	balances, ok := l.quotas.Spend(ctx.Context(), quotas...)
	l.respond(ctx, quotas, balances)
	return ok
}

// respond sets the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10), and responds with
// 429 when a quota is used up.
func (l *rateLimiter) respond(ctx huma.Context, quotas []store.Quota, balances []store.Balance) {
	policy, state := make([]byte, 0, 96), make([]byte, 0, 96)
	var retry time.Duration
	for i, q := range quotas {
		if i > 0 {
			policy, state = append(policy, ", "...), append(state, ", "...)
		}
		b := balances[i]
		policy = appendLimit(policy, q.Key, "q", q.Units, "w", int(q.Window.Seconds()))
		state = appendLimit(state, q.Key, "r", b.Left, "t", httpx.Seconds(max(b.Full, b.Retry)))
		retry = max(retry, b.Retry)
	}
	ctx.SetHeader("RateLimit-Policy", string(policy))
	ctx.SetHeader("RateLimit", string(state))
	if retry > 0 {
		r, w := humachi.Unwrap(ctx)
		httpx.WriteProblem(w, r, &httpx.Fault{
			Err:        store.ErrLimit,
			Detail:     "Too many requests. Wait for the time in Retry-After, then try again.",
			RetryAfter: retry,
		})
	}
}

// appendLimit appends the part of a RateLimit header about the quota with a key, such as
// "read-ip";q=100;w=60 for read:ip:192.0.2.1.
func appendLimit(b []byte, key, name1 string, value1 int, name2 string, value2 int) []byte {
	class, rest, _ := strings.Cut(key, ":")
	of, _, _ := strings.Cut(rest, ":")
	b = append(append(append(append(append(b, '"'), class...), '-'), of...), '"')
	for _, p := range []struct {
		name  string
		value int
	}{{name1, value1}, {name2, value2}} {
		b = append(append(append(b, ';'), p.name...), '=')
		b = strconv.AppendInt(b, int64(p.value), 10)
	}
	return b
}
