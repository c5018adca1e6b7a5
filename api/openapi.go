package api

import (
	"bytes"
	"encoding/json"
	"fmt"

	"bedside/api/docs"
	"bedside/api/httpx"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// OpenAPI returns the OpenAPI 3.1 description of the API, as JSON. It needs no store.
func OpenAPI() ([]byte, error) {
	return render(operations(chi.NewRouter(), Config{}, Deps{}))
}

// describe returns the description without operations. Its version is that of the API, not of the
// build.
func describe() huma.Config {
	c := httpx.Config("Bedside", "1")
	c.Info.Description = "Practice for the OET speaking test: role plays over WebRTC, and a " +
		"report on what was said.\n\n" +
		"Errors are problems (RFC 9457). The last word of their type identifies the kind of " +
		"error and does not change. /api/v1 is another name for /api. /api/content is another " +
		"name for /api before scenarios, progress, media and their twins below " +
		"/api/protected. /users/profile and " +
		"/sessions, with everything below them, are other names for their twins below /api. " +
		"Keys of JSON objects are written exactly as documented, and each once. An id is a UUID " +
		"in lower case with dashes; nothing has another one."
	c.Info.License = &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"}
	return c
}

// listsNotNull declares that no list is null. huma assumes that every list may be.
func listsNotNull(api huma.API) {
	for _, schema := range api.OpenAPI().Components.Schemas.Map() {
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
	}
}

func render(api huma.API) ([]byte, error) {
	b, err := json.Marshal(api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("OpenAPI: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("OpenAPI: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func serveOpenAPI(router chi.Router, api huma.API) error {
	body, err := render(api)
	if err != nil {
		return err
	}
	asset, err := httpx.NewAsset(body, "application/openapi+json")
	if err != nil {
		return err
	}
	router.Get("/openapi.json", asset.ServeHTTP)
	return nil
}

// serveDocs serves the documentation page.
func serveDocs(router chi.Router, api huma.API, rates Rates) error {
	pages, err := docs.New(api.OpenAPI(), func(op *huma.Operation) string {
		class, _ := rates.of(op)
		return class
	})
	if err != nil {
		return err
	}
	router.Get(docs.Path, pages.ServePage)
	router.Get(docs.StylePath, pages.ServeStyle)
	return nil
}
