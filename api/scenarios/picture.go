package scenarios

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"bedside/api/httpx"
	"bedside/store"
	"bedside/store/scenario"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) pictureRoute(api huma.API) {
	picture := map[string]*huma.MediaType{
		"image/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
	httpx.Register(api, huma.Operation{
		OperationID: "get-scenario-picture", Method: http.MethodGet,
		Path: "/api/scenarios/{id}/picture", Summary: "Get the picture of a shipped scenario",
		Description: "Only of scenarios that came with the program, by their slug; others have " +
			"uploaded pictures, which are media.",
		Metadata: httpx.Public(), Errors: []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{
			"200": {Description: "The picture", Content: picture},
			"304": {Description: "The client has the picture already (If-None-Match)"},
		},
	}, s.picture)
}

type pictureInput struct {
	Ref
	V           int    `query:"v" minimum:"1" maximum:"100000" doc:"the version of the scenario; it changes the address when the picture may have changed"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"2000"`
}

type pictureOutput struct {
	ContentType string `header:"Content-Type"`
	// SVG could run scripts if it were opened as a page.
	Policy       string `header:"Content-Security-Policy"`
	CacheControl string `header:"Cache-Control"`
	ETag         string `header:"ETag"`
	Body         []byte
}

func (s *Service) picture(_ context.Context, in *pictureInput) (*pictureOutput, error) {
	data, mediaType, ok := scenario.Picture(in.ID)
	if !ok {
		return nil, &httpx.Fault{
			Err: store.ErrNotFound, Detail: "There is no shipped picture of this scenario.",
		}
	}
	sum := sha256.Sum256(data)
	out := &pictureOutput{
		ContentType: mediaType, Body: data, ETag: `"` + hex.EncodeToString(sum[:12]) + `"`,
		Policy:       "default-src 'none'; style-src 'unsafe-inline'; sandbox",
		CacheControl: "public, max-age=86400",
	}
	if matches(in.IfNoneMatch, out.ETag) {
		return nil, notModified(out.CacheControl, out.ETag, "")
	}
	return out, nil
}
