package httpx

import (
	"context"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// Bearer is the name of the API's security scheme.
const Bearer = "bearer"

// maxBody is the largest request body, in bytes, of operations that set no limit of their own.
const maxBody = 64 << 10

// bodyWithin is the time a client has to send its body.
const bodyWithin = 10 * time.Second

// Config is huma's configuration for an API whose problems echo nothing and whose pages load
// nothing from elsewhere.
func Config(title, version string) huma.Config {
	c := huma.DefaultConfig(title, version)
	c.CreateHooks = nil                                   // no $schema in answers
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // the API serves its own
	c.Transformers = []huma.Transformer{completeProblem}
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		Bearer: {
			Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "The access token that signing in gives: a JWT, handled as RFC8725 says.",
		},
	}
	return c
}

// Register adds an operation. Its handler's errors become problems by the table of sentinels. An
// operation needs a signed-in user unless it is Public, and one of roles when any are given.
func Register[I, O any](api huma.API, op huma.Operation,
	handler func(context.Context, *I) (*O, error), roles ...store.Role) {
	if op.Metadata[publicKey] == nil {
		op.Security = []map[string][]string{{Bearer: {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized)
		if len(roles) > 0 {
			op.Errors = append(op.Errors, http.StatusForbidden)
			op.Extensions = map[string]any{rolesKey: roles}
		}
	}
	if op.Method != http.MethodGet && op.Method != http.MethodHead {
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType)
	}
	op.Errors = append(op.Errors, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	if op.BodyReadTimeout == 0 {
		op.BodyReadTimeout = bodyWithin
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, Problem(ctx, err)
		}
		return out, nil
	})
}

// rolesKey names the extension that lists the roles an operation is for.
const rolesKey = "x-roles"

const publicKey = "public"

// Public marks an operation that needs nobody to be signed in.
func Public() map[string]any { return map[string]any{publicKey: true} }

const expensiveKey = "expensive"

// Expensive marks an operation that costs much more than others, so that it is limited by itself.
func Expensive() map[string]any { return map[string]any{expensiveKey: true} }

// IsExpensive reports whether an operation is marked as Expensive.
func IsExpensive(op *huma.Operation) bool { return op.Metadata[expensiveKey] != nil }

// Authenticator finds who is behind an access token; auth.Sessions does.
type Authenticator interface {
	Authenticate(ctx context.Context, access string) (auth.Principal, error)
}

// Authenticate is a middleware that gives an operation with a security requirement its principal,
// or answers 401. It asks admit first, which may answer for itself, with the id of the account or
// "".
func Authenticate(a Authenticator,
	admit func(ctx huma.Context, account string) bool) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if len(ctx.Operation().Security) == 0 {
			if admit(ctx, "") {
				next(ctx)
			}
			return
		}
		p, err := principal(ctx, a)
		if r := RequestFrom(ctx.Context()); err == nil && r != nil {
			r.SetUser(p.User.ID)
		}
		if !admit(ctx, p.User.ID) {
			return
		}
		if err != nil {
			refuse(ctx, err)
			return
		}
		if roles, _ := ctx.Operation().Extensions[rolesKey].([]store.Role); len(roles) > 0 &&
			!slices.Contains(roles, p.User.Role) {
			refuse(ctx, &Fault{
				Err: store.ErrForbidden, Detail: "This is not for accounts of your role.",
			})
			return
		}
		next(huma.WithContext(ctx, auth.WithPrincipal(ctx.Context(), p)))
	}
}

func principal(ctx huma.Context, a Authenticator) (auth.Principal, error) {
	scheme, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return auth.Principal{}, &Fault{
			Err: store.ErrUnauthenticated, Detail: "This needs an access token: sign in first.",
		}
	}
	return a.Authenticate(ctx.Context(), strings.TrimSpace(token))
}

func refuse(ctx huma.Context, err error) {
	r, w := humachi.Unwrap(ctx)
	WriteProblem(w, r, err)
}

// RequireContentType is a middleware that refuses a body that does not say what it is: huma would
// take it for JSON, which is how a form of another site could post it.
func RequireContentType(ctx huma.Context, next func(huma.Context)) {
	body := ctx.Operation().RequestBody
	r, w := humachi.Unwrap(ctx)
	if body == nil || r.ContentLength == 0 {
		next(ctx)
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if _, known := body.Content[media]; err != nil || !known {
		names := slices.Sorted(maps.Keys(body.Content))
		WriteModel(w, r, &huma.ErrorModel{
			Status: http.StatusUnsupportedMediaType,
			Detail: fmt.Sprintf("Send the body with Content-Type: %s.",
				strings.Join(names, " or ")),
		})
		return
	}
	next(ctx)
}
