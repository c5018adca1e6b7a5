package attempts

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"reflect"
	"strings"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

func (s *Service) reportRoute(api huma.API) {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[store.Report](), true,
		"Report")
	httpx.Register(api, huma.Operation{
		OperationID: "get-report", Method: http.MethodGet, Path: "/api/attempts/{id}/report",
		Summary: "Read an attempt's report",
		Description: "For its candidate, its partner and administrators. While there is no " +
			"report, the response is 404: the type of the problem ends in report-pending, " +
			"report-failed or report-none, and the message of its first error, whose location " +
			"is state, is the state of the attempt.",
		Errors: []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {
			Description: "The report", Content: map[string]*huma.MediaType{
				"application/json": {Schema: schema},
			},
		}},
	}, s.report)
}

// report sends the report as it is stored, compressed, because it has megabytes of points.
func (s *Service) report(ctx context.Context, in *idInput) (*huma.StreamResponse, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	a, packed, err := s.Store.AttemptReport(ctx, in.ID)
	switch {
	case err != nil:
		return nil, missing(err)
	case !involved(p.User, a):
		return nil, missing(store.ErrNotFound)
	case packed == nil:
		return nil, pending(a)
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humachi.Unwrap(hctx)
		if err := writeReport(w, r, packed); err != nil {
			if info := httpx.RequestFrom(r.Context()); info != nil {
				info.SetError(err)
			}
		}
	}}, nil
}

// writeReport sends a gzipped report, decompressed for clients that do not accept gzip.
func writeReport(w http.ResponseWriter, r *http.Request, packed []byte) error {
	tag := fmt.Sprintf(`W/"%08x-%x"`, crc32.ChecksumIEEE(packed), len(packed))
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	if httpx.Accepts(r, "gzip") {
		h.Set("Content-Encoding", "gzip")
		_, err := w.Write(packed)
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = io.Copy(w, z)
	return err
}

// pending returns the problem that says why there is no report.
func pending(a store.Attempt) error {
	f := &httpx.Fault{
		Err: store.ErrNotFound, Code: "report-pending", Detail: "The role play has not ended yet.",
	}
	switch a.State {
	case store.AttemptAnalysing:
		f.Detail = "The report is being made. This takes a second or two."
	case store.AttemptFailed:
		f.Code, f.Detail = "report-failed", "No report could be made: "+
			strings.TrimSuffix(a.Problem, ".")+"."
	case store.AttemptAbandoned:
		f.Code, f.Detail = "report-none", "This role play did not begin, so there is no report."
	}
	f.Fields = []*huma.ErrorDetail{{Location: "state", Message: string(a.State)}}
	return f
}
