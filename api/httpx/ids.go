package httpx

import (
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// CheckIDs is a middleware that answers 404 when a path parameter that is an id is not spelled as
// ids are (store.IsID). There is nothing at such a path, in whichever way it is wrong.
func CheckIDs(ctx huma.Context, next func(huma.Context)) {
	for _, p := range ctx.Operation().Parameters {
		if p.In == "path" && p.Schema != nil && p.Schema.Format == "uuid" &&
			!store.IsID(ctx.Param(p.Name)) {
			refuse(ctx, store.ErrNotFound)
			return
		}
	}
	next(ctx)
}

// NoStore is a middleware that keeps responses out of every cache, unless the operation sets
// another Cache-Control. Most are personal, and a browser would show them to its next user.
func NoStore(ctx huma.Context, next func(huma.Context)) {
	ctx.SetHeader("Cache-Control", "no-store")
	next(ctx)
}
