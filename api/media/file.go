package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

func (s *Service) fileRoutes(api huma.API) {
	types := []string{"image/jpeg", "audio/ogg"}
	httpx.Register(api, huma.Operation{
		OperationID: "get-media", Method: http.MethodGet, Path: mediaPath,
		Summary: "Get a picture or a sound",
		Description: "Anybody may get public ones. Others need an access token, or an address " +
			"with expires and signature, which the operations that show media return. HEAD, " +
			"conditional requests (If-None-Match, If-Modified-Since) and one range (Range, " +
			"If-Range) work; when several are asked for, the whole file is sent.",
		Metadata: httpx.Public(), Errors: missingOr(http.StatusUnauthorized,
			http.StatusRequestedRangeNotSatisfiable),
		Responses: map[string]*huma.Response{
			"200": {Description: "The file", Content: binaryContent(types...)},
			"206": {Description: "Part of the file", Content: binaryContent(types...)},
			"304": {Description: "The client has it already"},
		},
	}, s.file)
	httpx.Register(api, huma.Operation{
		OperationID: "sign-media", Method: http.MethodPost, Path: mediaPath + "/url",
		Summary: "Get an address of a picture or a sound that works without a token",
		Description: "For pages, whose img and audio elements send no token. It works for some " +
			"minutes.",
		Errors: missingOr(),
	}, s.sign)
}

type fileInput struct {
	ID            string          `path:"id" format:"uuid" doc:"the id of the medium"`
	Size          store.MediaSize `query:"size" enum:"small,medium,large" default:"medium" doc:"of a picture"`
	Expires       int64           `query:"expires" doc:"of a signed address: until when it works, in seconds since 1970"`
	Signature     string          `query:"signature" maxLength:"64" doc:"of a signed address"`
	Authorization string          `header:"Authorization" maxLength:"4096" doc:"Bearer and an access token, unless the address is signed or the medium public"`
}

// fileTimeout is the time that a client has to receive a file.
const fileTimeout = 5 * time.Minute

func (s *Service) file(ctx context.Context, in *fileInput) (*huma.StreamResponse, error) {
	m, err := s.Store.Media(ctx, in.ID)
	if err == nil {
		err = s.admit(ctx, m, in)
	}
	if errors.Is(err, store.ErrNotFound) {
		if out, ok := shipped(in.ID); ok {
			return out, nil
		}
		return nil, notFound(err)
	}
	if err != nil {
		return nil, err
	}
	f, ok := m.File(in.Size)
	if !ok {
		return nil, notFound(fmt.Errorf("a medium without files: %w", store.ErrNotFound))
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humachi.Unwrap(hc)
		httpx.WriteWithin(w, fileTimeout)
		s.serve(w, r, m, f, in.Expires)
	}}, nil
}

// admit returns store.ErrNotFound unless the requester may see the medium.
func (s *Service) admit(ctx context.Context, m store.Media, in *fileInput) error {
	if m.Public || in.Signature != "" &&
		s.Sessions.VerifyURL(auth.MediaSubject(m.ID), in.Expires, in.Signature) {
		return nil
	}
	scheme, token, _ := strings.Cut(in.Authorization, " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return store.ErrNotFound
	}
	p, err := s.Sessions.Authenticate(ctx, strings.TrimSpace(token))
	if err == nil && !m.MaySee(p.User) {
		err = store.ErrNotFound
	}
	return err
}

// serve sends a file as RFC 9110 says.
func (s *Service) serve(w http.ResponseWriter, r *http.Request, m store.Media, f store.MediaFile,
	expires int64) {
	h := w.Header()
	h.Set("ETag", f.ETag())
	switch {
	case m.BuiltIn: // may change with the program
		h.Set("Cache-Control", "public, max-age=86400")
	case m.Public:
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	case expires > 0:
		left := max(0, expires-s.Clock().Unix())
		h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d", left))
	default:
		h.Set("Cache-Control", "private, no-cache")
	}
	setType(h, f.Type)
	name := "picture.jpg"
	if m.Kind == store.MediaLine {
		name = "line.ogg"
	}
	h.Set("Content-Disposition", `inline; filename="`+name+`"`)
	ignoreRange(r)
	body := &lazyFile{size: f.Bytes, open: func() (httpx.File, error) {
		return s.Open(r.Context(), f.Key)
	}}
	// Opened before the status is sent, unless the answer has no body.
	if r.Method == http.MethodGet && !s.unchanged(r, m, f) {
		if err := body.start(); err != nil {
			if info := httpx.RequestFrom(r.Context()); info != nil {
				info.SetError(err)
			}
			s.fail(w, r, &huma.ErrorModel{
				Status: http.StatusServiceUnavailable,
				Detail: "The file cannot be read at the moment. Try again soon.",
			})
			return
		}
	}
	http.ServeContent(w, r, "", m.CreatedAt, body)
	if err := body.close(); err != nil {
		if info := httpx.RequestFrom(r.Context()); info != nil {
			info.SetError(err)
		}
	}
}

// ignoreRange removes the header Range where RFC 9110, section 14.2, says to ignore it (with other
// methods than GET, and with units that are unknown here) and where it permits that (with several
// ranges).
func ignoreRange(r *http.Request) {
	set := r.Header.Get("Range")
	if r.Method != http.MethodGet || !strings.HasPrefix(set, "bytes=") ||
		strings.Contains(set, ",") {
		r.Header.Del("Range")
	}
}

// setType sets the headers that keep a browser from taking a file for anything but its type.
func setType(h http.Header, mediaType string) {
	h.Set("Content-Type", mediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
}

// unchanged reports whether the client has the file already, so that nothing needs to be read.
func (s *Service) unchanged(r *http.Request, m store.Media, f store.MediaFile) bool {
	if tags := r.Header.Get("If-None-Match"); tags != "" {
		return strings.Contains(tags, f.ETag()) || strings.TrimSpace(tags) == "*"
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !m.CreatedAt.Truncate(time.Second).After(since)
}

// fail answers with a problem instead of the file.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, model *huma.ErrorModel) {
	h := w.Header()
	h.Del("ETag")
	h.Del("Content-Disposition")
	httpx.WriteModel(w, r, model)
}

// lazyFile is a file whose size is known and that is opened when somebody reads it.
type lazyFile struct {
	open func() (httpx.File, error)
	size int64
	at   int64
	file httpx.File
}

func (l *lazyFile) start() (err error) {
	if l.file == nil {
		if l.file, err = l.open(); err != nil {
			l.file = nil
		}
	}
	return err
}

func (l *lazyFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += l.at
	case io.SeekEnd:
		offset += l.size
	}
	if offset < 0 {
		return l.at, errors.New("seek before the beginning of a file")
	}
	l.at = offset
	return offset, nil
}

func (l *lazyFile) Read(p []byte) (int, error) {
	if err := l.start(); err != nil {
		return 0, err
	}
	if _, err := l.file.Seek(l.at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := l.file.Read(p)
	l.at += int64(n)
	return n, err
}

func (l *lazyFile) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

type idInput struct {
	ID string `path:"id" format:"uuid" doc:"the id of the medium"`
}

type signedOutput struct{ Body httpx.SignedURL }

func (s *Service) sign(ctx context.Context, in *idInput) (*signedOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	m, err := s.Store.Media(ctx, in.ID)
	if err == nil && !m.MaySee(p.User) {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound(err)
	}
	if err != nil {
		return nil, err
	}
	out := &signedOutput{}
	out.Body.URL, out.Body.ExpiresAt = s.Sessions.SignURL(store.MediaPath(m.ID),
		auth.MediaSubject(m.ID))
	return out, nil
}

// address returns where a page finds a medium: a public one at its plain address, and others at a
// signed one.
func (s *Service) address(m store.Media, size store.MediaSize) string {
	url, join := store.MediaPath(m.ID), "?"
	if !m.Public {
		url, join = s.Sessions.MediaURL(m.ID), "&"
	}
	if size == "" {
		return url
	}
	return url + join + "size=" + string(size)
}
