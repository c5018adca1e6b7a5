package media

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// maxAlt is the number of bytes of a description.
	maxAlt = 200
	// maxParts is the number of parts of a form that are read.
	maxParts = 8
	// overhead is how many bytes a form may have besides its file, at once.
	overhead = 16 << 10
)

// received is an upload in a temporary file.
type received struct {
	file *os.File // has no name any more, so that nothing is left of it when the process ends
	head []byte   // the first bytes of the file
	kind store.MediaKind
	alt  string
}

func (r *received) close() {
	if r.file != nil {
		_ = r.file.Close() // nothing was written that somebody reads later
	}
}

// isSound reports whether the first bytes are those of a sound file.
func (r *received) isSound() bool {
	head := string(r.head)
	for _, magic := range []string{"OggS", "RF64", "BW64", "ID3"} {
		if strings.HasPrefix(head, magic) {
			return true
		}
	}
	if len(head) >= 12 && head[:4] == "RIFF" && head[8:12] == "WAVE" {
		return true
	}
	// A frame of MPEG layer 3.
	return len(head) > 2 && head[0] == 0xff && head[1]&0xe0 == 0xe0 && head[1]&0x06 == 0x02
}

// receive reads a form as it arrives, and writes its file to a temporary one. The names that the
// client gives to its files are not looked at. The caller closes the result.
func (s *Service) receive(r *http.Request, w http.ResponseWriter,
	u store.User) (form *received, err error) {
	if r.ContentLength > s.Config.maxBytes()+overhead {
		return nil, s.tooLarge()
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || len(params["boundary"]) == 0 || len(params["boundary"]) > 70 {
		return nil, malformed("The form has no boundary.")
	}
	body := &meter{
		from: r.Body, left: overhead, clock: time.Now, idle: s.Config.Idle,
		until: time.Now().Add(s.Config.UploadLimit),
		// This fails for a connection that is closed, in which case reading fails as well, and for
		// the recorder of a test.
		deadline: func(t time.Time) { _ = http.NewResponseController(w).SetReadDeadline(t) },
	}
	form = &received{}
	defer func() {
		if err != nil {
			form.close()
			form = nil
		}
	}()
	parts := multipart.NewReader(body, params["boundary"])
	for n := 0; ; n++ {
		body.left = overhead
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return form, s.broken(body, err)
		}
		if n == maxParts {
			return form, malformed("The form has too many parts.")
		}
		if err := s.readPart(form, part, body); err != nil {
			return form, err
		}
		if form.kind != "" && !form.kind.MayUpload(u) {
			return form, &httpx.Fault{
				Err:    store.ErrForbidden,
				Detail: "Only tutors and administrators upload pictures and lines of scenarios.",
			}
		}
	}
	switch {
	case form.file == nil:
		return form, httpx.Invalid("body.file", "There is no file in the form. Choose one.")
	case form.kind == "":
		return form, httpx.Invalid("body.kind", "Say what it is for: avatar, scenario or line.")
	}
	return form, nil
}

// readPart reads one part of a form.
func (s *Service) readPart(form *received, part *multipart.Part, body *meter) error {
	switch name := part.FormName(); name {
	case "file":
		if form.file != nil {
			return malformed("There are two files in the form. Upload them one by one.")
		}
		return s.readFile(form, part, body)
	case "kind", "alt":
		b, err := io.ReadAll(io.LimitReader(part, maxAlt*utf8.UTFMax+1))
		if err != nil {
			return s.broken(body, err)
		}
		if name == "alt" {
			form.alt, err = cleanAlt(string(b))
			return err
		}
		switch kind := store.MediaKind(b); kind {
		case store.MediaAvatar, store.MediaScenario, store.MediaLine:
			form.kind = kind
			return nil
		}
		return httpx.Invalid("body.kind", "The kind is avatar, scenario or line.")
	}
	return malformed("The form has a field that uploads do not have.")
}

// readFile writes a part to a temporary file.
func (s *Service) readFile(form *received, part *multipart.Part, body *meter) (err error) {
	if form.file, err = os.CreateTemp(s.Config.TempDir, "upload-*"); err != nil {
		return fmt.Errorf("receive an upload: %w", err)
	}
	if err := os.Remove(form.file.Name()); err != nil {
		return fmt.Errorf("receive an upload: %w", err)
	}
	body.left = s.Config.maxBytes() + overhead
	n, err := io.Copy(form.file, io.LimitReader(part, s.Config.maxBytes()+1))
	switch {
	case n > s.Config.maxBytes():
		return s.tooLarge()
	case err != nil:
		return s.broken(body, err)
	case n == 0:
		return httpx.Invalid("body.file", "The file is empty. Choose another one.")
	}
	form.head = make([]byte, min(n, 64))
	_, err = form.file.ReadAt(form.head, 0)
	return err
}

// cleanAlt returns a description without space around it, or a Fault about body.alt.
func cleanAlt(s string) (string, error) {
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > maxAlt || !utf8.ValidString(s) ||
		strings.ContainsFunc(s, unicode.IsControl) {
		return "", httpx.Invalid("body.alt", fmt.Sprintf(
			"The description has at most %d characters, in one line.", maxAlt))
	}
	return s, nil
}

func (s *Service) tooLarge() error {
	return &huma.ErrorModel{
		Status: http.StatusRequestEntityTooLarge,
		Detail: fmt.Sprintf("The file is larger than %d MB. Choose a smaller one.",
			s.Config.MaxMB),
	}
}

// broken is the problem for a body that could not be read.
func (s *Service) broken(body *meter, err error) error {
	switch {
	case errors.Is(body.err, os.ErrDeadlineExceeded):
		return &huma.ErrorModel{
			Status: http.StatusRequestTimeout,
			Detail: "The upload took too long, or stopped. Check your connection and try again.",
		}
	case errors.Is(body.err, errOverhead):
		return s.tooLarge()
	}
	return malformed("The upload is incomplete. Try again.")
}

func malformed(detail string) error {
	return &huma.ErrorModel{Status: http.StatusBadRequest, Detail: detail}
}

// errOverhead is returned by a meter that has no bytes left.
var errOverhead = fmt.Errorf("a form with too much besides its file: %w", store.ErrLimit)

// meter reads a request's body, as many bytes as are left, within a time. The client may send
// nothing for a shorter time. So neither endless headers of a form nor a slow client hold memory
// or a place for long.
type meter struct {
	from     io.Reader
	left     int64
	idle     time.Duration
	until    time.Time
	clock    func() time.Time
	deadline func(time.Time)
	err      error // the first error of from, or errOverhead
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		m.err = errOverhead
		return 0, errOverhead
	}
	now := m.clock()
	end := now.Add(m.idle)
	if end.After(m.until) {
		end = m.until
	}
	m.deadline(end)
	n, err := m.from.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}
