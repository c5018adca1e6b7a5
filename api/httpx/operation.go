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

// Bearer is the name of the API's security scheme in the OpenAPI document.
const Bearer = "bearer"

// maxBody is the size limit of request bodies, in bytes, unless an operation sets its own.
const maxBody = 64 << 10

// bodyTimeout is the time that a client has to send its body.
const bodyTimeout = 10 * time.Second

// Config returns huma's configuration for the API. Problems do not repeat values of the request,
// and package api serves them documentation.
func Config(title, version string) huma.Config {
	c := huma.DefaultConfig(title, version)
	c.CreateHooks = nil                                   // no $schema in responses
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // package api serves them
	c.Transformers = []huma.Transformer{completeProblem}
	c.RejectUnknownQueryParameters = true
	json := (&strictJSON{}).format()
	c.Formats = map[string]huma.Format{"application/json": json, "json": json}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		Bearer: {
			Type: "http", Scheme: "bearer", BearerFormat: "JWT",
			Description: "The access token from signing in: a JWT that follows RFC8725.",
		},
	}
	return c
}

// Register adds an operation to an API, and turns its handler's errors into problems. Unless it is
// Public or Optional, the operation requires an access token. With roles, the user must have one
// of them.
func Register[I, O any](api huma.API, op huma.Operation,
	handler func(context.Context, *I) (*O, error), roles ...store.Role) {
	switch {
	case op.Metadata[optionalKey] != nil:
		op.Security = []map[string][]string{{}, {Bearer: {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized)
	case op.Metadata[publicKey] == nil:
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
		op.BodyReadTimeout = bodyTimeout
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, Problem(ctx, err)
		}
		return out, nil
	})
}

// rolesKey is the OpenAPI extension that lists the roles that may request an operation.
const rolesKey = "x-roles"

const publicKey = "public"

// Public returns the metadata of an operation that requires no access token.
func Public() map[string]any { return map[string]any{publicKey: true} }

const optionalKey = "optional"

// Optional returns the metadata of an operation that anybody may request, and that knows who does
// when there is an access token. One that is not valid is refused.
func Optional() map[string]any { return map[string]any{optionalKey: true} }

const expensiveKey = "expensive"

// NeedsProof is the part of an operation's description that says that it calls
// auth.Proofs.Require.
const NeedsProof = "Needs a recent proof of your identity."

// Expensive returns the metadata of an operation that costs much more than others and so has a
// rate limit of its own.
func Expensive() map[string]any { return map[string]any{expensiveKey: true} }

// IsExpensive reports whether an operation has the metadata of Expensive.
func IsExpensive(op *huma.Operation) bool { return op.Metadata[expensiveKey] != nil }

// Authenticator finds the user of an access token. auth.Sessions implements it.
type Authenticator interface {
	Authenticate(ctx context.Context, access string) (auth.Principal, error)
}

// Authenticate returns a middleware that adds the principal of the access token to the context, or
// responds with 401 when an operation requires one, and with 403 when the user's role may not
// request it. Before that it calls admit with the account's id ("" if there is none); when admit
// returns false, it has sent the response.
func Authenticate(a Authenticator,
	admit func(ctx huma.Context, account string) bool) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		op := ctx.Operation()
		guest := op.Metadata[optionalKey] != nil && ctx.Header("Authorization") == ""
		if len(op.Security) == 0 || guest {
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
		if roles, _ := op.Extensions[rolesKey].([]store.Role); len(roles) > 0 &&
			!slices.Contains(roles, p.User.Role) {
			refuse(ctx, &Fault{
				Err: store.ErrForbidden, Detail: "Users with your role may not do this.",
			})
			return
		}
		next(huma.WithContext(ctx, auth.WithPrincipal(ctx.Context(), p)))
	}
}

// principal returns the principal of the Authorization header.
func principal(ctx huma.Context, a Authenticator) (auth.Principal, error) {
	scheme, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return auth.Principal{}, &Fault{
			Err: store.ErrUnauthenticated, Detail: "This requires an access token. Sign in first.",
		}
	}
	return a.Authenticate(ctx.Context(), strings.TrimSpace(token))
}

func refuse(ctx huma.Context, err error) {
	r, w := humachi.Unwrap(ctx)
	WriteProblem(w, r, err)
}

// RequireContentType is a middleware that rejects a body without a known Content-Type. huma would
// read it as JSON, which would permit a form on another web site to send JSON.
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
