// Package httpx is what the API's slices share: problems, registration of operations, and what is
// known of a request.
package httpx

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Fault is an error with words for whoever made the request. Err is, or wraps, a sentinel that
// decides the status.
type Fault struct {
	Err        error
	Code       string // last part of the problem's type; empty: the sentinel's
	Detail     string
	Fields     []*huma.ErrorDetail
	RetryAfter time.Duration
}

func (f *Fault) Error() string { return f.Detail + ": " + f.Err.Error() }

// Unwrap gives the sentinel.
func (f *Fault) Unwrap() error { return f.Err }

// Invalid is a Fault about one field of the request.
func Invalid(field, message string) *Fault {
	return &Fault{
		Err: store.ErrInvalid, Detail: message,
		Fields: []*huma.ErrorDetail{{Location: field, Message: message}},
	}
}

// typePrefix begins a problem's type.
const typePrefix = "urn:bedside:problem:"

// row is what a sentinel means over HTTP.
type row struct {
	err    error
	status int
	code   string
	detail string // used when the error says nothing for people
}

// table maps sentinels to statuses; the first that fits counts.
func table() []row {
	return []row{
		{context.Canceled, 499, "cancelled", "The request was cancelled."},
		{
			store.ErrUnavailable, http.StatusServiceUnavailable, "unavailable",
			"A part of the server is away for a moment. Try again soon.",
		},
		{
			context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout",
			"The server took too long. Try again soon.",
		},
		{store.ErrReused, http.StatusUnauthorized, "used-before", "This was used before."},
		{store.ErrExpired, http.StatusUnauthorized, "expired", "This has expired."},
		{store.ErrUnauthenticated, http.StatusUnauthorized, "unauthenticated", "Sign in first."},
		{store.ErrForbidden, http.StatusForbidden, "forbidden", "Your account may not do this."},
		{
			store.ErrNotFound, http.StatusNotFound, "not-found",
			"There is no such thing, or it is not yours.",
		},
		{store.ErrState, http.StatusConflict, "wrong-state", "This cannot be done any more."},
		{store.ErrConflict, http.StatusConflict, "conflict", "This conflicts with what is there."},
		{
			store.ErrLimit, http.StatusTooManyRequests, "limit",
			"Too much at once. Try again later.",
		},
		{store.ErrInvalid, http.StatusUnprocessableEntity, "invalid", "The request is not valid."},
	}
}

// accountTable maps errors of package auth that only some operations return.
func accountTable() []row {
	return []row{
		{
			auth.ErrProofRequired, http.StatusForbidden, "reauthentication-required",
			"Prove first that it is you: give your password again.",
		},
		{
			auth.ErrRefreshReused, http.StatusUnauthorized, "refresh-reused",
			"This refresh token was replaced long ago. For safety the session has ended: sign " +
				"in again.",
		},
		{
			auth.ErrWrongCode, http.StatusUnprocessableEntity, "wrong-code",
			"This is not the code that the app shows now. Check that the clock of your device " +
				"is right.",
		},
		{
			auth.ErrUsedCode, http.StatusUnprocessableEntity, "wrong-code",
			"This code was used before. Wait for the app to show the next one.",
		},
		{
			auth.ErrNoPasskeys, http.StatusConflict, "no-passkeys",
			"Passkeys need the server's public name: open it as localhost, or ask its operator " +
				"to set public_url.",
		},
		{
			auth.ErrCeremonyExpired, http.StatusUnauthorized, "sign-in-expired",
			"This took too long. Try again.",
		},
	}
}

// find returns the row of an error.
func find(err error) (row, bool) {
	for _, r := range append(accountTable(), table()...) {
		if errors.Is(err, r.err) {
			return r, true
		}
	}
	return row{}, false
}

// Detail returns the tables' words for an error, "" when it has none.
func Detail(err error) string {
	r, _ := find(err)
	return r.detail
}

// ProblemType is a kind of problem that any operation may answer with.
type ProblemType struct {
	Status       int
	Type, Detail string
}

// ProblemTypes lists those of the table, by status.
func ProblemTypes() []ProblemType {
	list := []ProblemType{
		{
			http.StatusBadRequest, typeOf(http.StatusBadRequest),
			"The body is not what its Content-Type says, or is not complete.",
		},
		{
			http.StatusMethodNotAllowed, typeOf(http.StatusMethodNotAllowed),
			"Use one of the methods that Allow names.",
		},
		{
			http.StatusRequestEntityTooLarge, typeOf(http.StatusRequestEntityTooLarge),
			"The body is too large.",
		},
		{
			http.StatusUnsupportedMediaType, typeOf(http.StatusUnsupportedMediaType),
			"Send the body with the Content-Type that the operation names.",
		},
		{
			http.StatusInternalServerError, typePrefix + "internal",
			"Something went wrong on our side. It has been logged.",
		},
	}
	for _, r := range table() {
		if r.status != 499 { // nobody is there to read it
			list = append(list, ProblemType{r.status, typePrefix + r.code, r.detail})
		}
	}
	slices.SortStableFunc(list, func(a, b ProblemType) int { return a.Status - b.Status })
	return list
}

// Problem turns an error into what the client is told. Only a Fault's words reach it: other
// errors may hold what is nobody's business, and go to the log.
func Problem(ctx context.Context, err error) error {
	var already huma.StatusError
	if errors.As(err, &already) {
		return err
	}
	model := &huma.ErrorModel{
		Status: http.StatusInternalServerError, Type: typePrefix + "internal",
		Detail: "Something went wrong on our side. It has been logged.",
	}
	if r, ok := find(err); ok {
		model.Status, model.Type, model.Detail = r.status, typePrefix+r.code, r.detail
	}
	retry := time.Duration(0)
	var limit *auth.LimitError
	if errors.As(err, &limit) {
		model.Detail, retry = limit.Detail, limit.RetryAfter
	}
	var fault *Fault
	if errors.As(err, &fault) {
		model.Detail = cmp.Or(fault.Detail, model.Detail)
		model.Errors = fault.Fields
		retry = fault.RetryAfter
		if fault.Code != "" {
			model.Type = typePrefix + fault.Code
		}
	}
	model.Title = title(model.Status)
	if r := RequestFrom(ctx); r != nil {
		r.SetError(err)
	}
	headers := http.Header{}
	switch {
	case retry > 0 || model.Status == http.StatusTooManyRequests ||
		model.Status == http.StatusServiceUnavailable:
		headers.Set("Retry-After", strconv.Itoa(max(1, Seconds(retry))))
	case model.Status == http.StatusUnauthorized:
		headers.Set("WWW-Authenticate", "Bearer")
	}
	if len(headers) == 0 {
		return model
	}
	return &withHeaders{ErrorModel: model, headers: headers}
}

// Seconds rounds a time up, as headers tell it.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// withHeaders is a problem that sets headers.
type withHeaders struct {
	*huma.ErrorModel
	headers http.Header
}

// GetHeaders gives the headers to set.
func (w *withHeaders) GetHeaders() http.Header { return w.headers }

func title(status int) string {
	if status == 499 {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}

// WriteProblem answers a request outside huma.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	problem := Problem(r.Context(), err)
	var h huma.HeadersError
	if errors.As(problem, &h) {
		for k, v := range h.GetHeaders() {
			w.Header()[k] = v
		}
	}
	var model *huma.ErrorModel
	switch p := problem.(type) {
	case *huma.ErrorModel:
		model = p
	case *withHeaders:
		model = p.ErrorModel
	}
	WriteModel(w, r, model)
}

// WriteModel answers with a problem that is already complete but for its type, title and instance.
func WriteModel(w http.ResponseWriter, r *http.Request, model *huma.ErrorModel) {
	complete(r.Context(), model)
	body, err := json.Marshal(model)
	if err != nil {
		http.Error(w, model.Title, model.Status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(model.Status)
	_, _ = w.Write(body) // fails when the client is gone
}

// complete gives a problem its type, title and the request's id, and takes rejected values out:
// one of them may be a password.
func complete(ctx context.Context, model *huma.ErrorModel) {
	model.Title = cmp.Or(model.Title, title(model.Status))
	if model.Type == "" {
		model.Type = typeOf(model.Status)
	}
	if r := RequestFrom(ctx); r != nil {
		model.Instance = "urn:uuid:" + r.ID
	}
	for i, d := range model.Errors {
		if d != nil {
			model.Errors[i] = &huma.ErrorDetail{Message: d.Message, Location: d.Location}
		}
	}
}

// typeOf is the type of problems that come from no sentinel.
func typeOf(status int) string {
	if status == http.StatusUnprocessableEntity {
		return typePrefix + "invalid"
	}
	return typePrefix + strings.ReplaceAll(strings.ToLower(title(status)), " ", "-")
}

// completeProblem is complete as a transformer of huma's.
func completeProblem(ctx huma.Context, _ string, v any) (any, error) {
	switch p := v.(type) {
	case *huma.ErrorModel:
		complete(ctx.Context(), p)
	case *withHeaders:
		complete(ctx.Context(), p.ErrorModel)
		return p.ErrorModel, nil
	}
	return v, nil
}
