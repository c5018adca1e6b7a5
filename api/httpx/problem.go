// Package httpx has what the API's slices share: the description of a slice (Slice), the
// registration of operations (Register), errors as problems (Fault, Problem), and information
// about the request in its context (Request).
//
// A problem is an error response in the form of RFC 9457. An operation returns an error that wraps
// one of store's sentinel errors; one table maps the sentinel to a status and a type. To tell the
// client more, it returns a Fault with a detail.
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

// Fault is an error with a detail for the client.
type Fault struct {
	Err        error  // is or wraps a sentinel error, which determines the status
	Code       string // last part of the problem's type; empty: the sentinel's
	Detail     string // one or two sentences for the user
	Fields     []*huma.ErrorDetail
	RetryAfter time.Duration
}

func (f *Fault) Error() string { return f.Detail + ": " + f.Err.Error() }

// Unwrap returns the sentinel error.
func (f *Fault) Unwrap() error { return f.Err }

// ErrUnconditional is returned when a request without If-Match would change something that others
// may have changed meanwhile.
var ErrUnconditional = errors.New("no If-Match")

// Invalid returns a Fault about one field of the request.
func Invalid(field, message string) *Fault {
	return &Fault{
		Err: store.ErrInvalid, Detail: message,
		Fields: []*huma.ErrorDetail{{Location: field, Message: message}},
	}
}

// typePrefix is the beginning of every problem's type.
const typePrefix = "urn:bedside:problem:"

// row maps an error to a status and a problem type.
type row struct {
	err    error
	status int
	code   string
	detail string // used unless a Fault has its own
}

// table maps sentinel errors to problems. The first row that matches applies.
func table() []row {
	return []row{
		{context.Canceled, 499, "cancelled", "The request was cancelled."},
		{
			store.ErrUnavailable, http.StatusServiceUnavailable, "unavailable",
			"A part of the server is not available at the moment. Try again soon.",
		},
		{
			context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout",
			"The request took too long. Try again soon.",
		},
		{store.ErrReused, http.StatusUnauthorized, "used-before", "This was used before."},
		{store.ErrExpired, http.StatusUnauthorized, "expired", "This has expired."},
		{store.ErrUnauthenticated, http.StatusUnauthorized, "unauthenticated", "Sign in first."},
		{store.ErrForbidden, http.StatusForbidden, "forbidden", "Your account may not do this."},
		{
			store.ErrNotFound, http.StatusNotFound, "not-found",
			"This does not exist, or it is not yours.",
		},
		{
			store.ErrStale, http.StatusPreconditionFailed, "changed-meanwhile",
			"This was changed meanwhile. Load it again, and make your change there.",
		},
		{
			ErrUnconditional, http.StatusPreconditionRequired, "precondition-required",
			"Send the ETag of what you have changed in If-Match.",
		},
		{store.ErrState, http.StatusConflict, "wrong-state", "This is no longer possible."},
		{
			store.ErrConflict, http.StatusConflict, "conflict",
			"This conflicts with something that exists.",
		},
		{
			store.ErrLimit, http.StatusTooManyRequests, "limit",
			"There are too many requests. Try again later.",
		},
		{store.ErrInvalid, http.StatusUnprocessableEntity, "invalid", "The request is not valid."},
	}
}

// accountTable maps errors of package auth that only some operations return.
func accountTable() []row {
	return []row{
		{
			auth.ErrProofRequired, http.StatusForbidden, "reauthentication-required",
			"Confirm first that it is you: enter your password again.",
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

// Detail returns the detail that the tables have for an error, or "".
func Detail(err error) string {
	r, _ := find(err)
	return r.detail
}

// ProblemType is a type of problem that any operation may return.
type ProblemType struct {
	Status       int
	Type, Detail string
}

// ProblemTypes returns the problem types that are common to all operations, by status.
func ProblemTypes() []ProblemType {
	list := []ProblemType{
		{
			http.StatusBadRequest, typeOf(http.StatusBadRequest),
			"The body does not have the form of its Content-Type, or is incomplete.",
		},
		{
			http.StatusMethodNotAllowed, typeOf(http.StatusMethodNotAllowed),
			"Use one of the methods in the Allow header.",
		},
		{
			http.StatusRequestEntityTooLarge, typeOf(http.StatusRequestEntityTooLarge),
			"The body is too large.",
		},
		{
			http.StatusUnsupportedMediaType, typeOf(http.StatusUnsupportedMediaType),
			"Send the body with the documented Content-Type.",
		},
		{
			http.StatusInternalServerError, typePrefix + "internal",
			"The server had an internal error, which is in its log.",
		},
	}
	for _, r := range table() {
		if r.status != 499 { // no client receives it
			list = append(list, ProblemType{r.status, typePrefix + r.code, r.detail})
		}
	}
	slices.SortStableFunc(list, func(a, b ProblemType) int { return a.Status - b.Status })
	return list
}

// Problem returns the problem for an error, and records the error for the log. The client gets the
// detail of a Fault or of the table, never the text of the error, which may contain internals.
func Problem(ctx context.Context, err error) error {
	var already huma.StatusError
	if errors.As(err, &already) {
		return err
	}
	model := &huma.ErrorModel{
		Status: http.StatusInternalServerError, Type: typePrefix + "internal",
		Detail: "The server had an internal error, which is in its log.",
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

// Seconds rounds a duration up to seconds, for headers.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// withHeaders is a problem with headers of the response.
type withHeaders struct {
	*huma.ErrorModel
	headers http.Header
}

// GetHeaders implements huma.HeadersError.
func (w *withHeaders) GetHeaders() http.Header { return w.headers }

func title(status int) string {
	if status == 499 {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}

// WriteProblem responds with the problem for an error, outside an operation.
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

// WriteModel responds with a problem. It sets the type and title when they are empty, and the
// instance.
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
	_, _ = w.Write(body) // fails when the client has disconnected
}

// complete sets a problem's type, title and instance (the request's id). It removes the rejected
// values, because one of them may be a password.
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

// typeOf returns the type of a problem without a sentinel error.
func typeOf(status int) string {
	if status == http.StatusUnprocessableEntity {
		return typePrefix + "invalid"
	}
	return typePrefix + strings.ReplaceAll(strings.ToLower(title(status)), " ", "-")
}

// completeProblem is a huma.Transformer that calls complete.
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
