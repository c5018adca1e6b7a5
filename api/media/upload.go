package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/api/media/picture"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// UploadOperation is the id of the operation that receives uploads, which has a rate limit of its
// own.
const UploadOperation = "upload-media"

const (
	uploadPath    = "/api/protected/media/upload"
	multipartType = "multipart/form-data"
)

func (s *Service) uploadRoute(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: UploadOperation, Method: http.MethodPost, DefaultStatus: http.StatusCreated,
		Path: uploadPath, Summary: "Upload a picture or a recorded line",
		Description: "Everybody may upload a portrait (kind avatar), which takes the place of an " +
			"earlier one; tutors and administrators also pictures of scenarios and lines of " +
			"patients, which are deleted after a day unless a scenario refers to them. Pictures " +
			"are JPEG, PNG, GIF or WebP, and become JPEG in three sizes, upright and without " +
			"metadata. Lines are WAV, Ogg Opus or MP3, and become Ogg Opus of equal loudness. " +
			"The first bytes of the file say what it is, not its name or type. Uploads are " +
			"processed one at a time: when too many wait, the answer is 429 with Retry-After.",
		Errors: []int{
			http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity,
			http.StatusRequestTimeout,
		},
	}, s.upload)
	// Not before: huma would read the body itself.
	api.OpenAPI().Paths[uploadPath].Post.RequestBody = uploadForm()
}

// uploadForm describes the form of an upload.
func uploadForm() *huma.RequestBody {
	maxAlt := maxAlt
	return &huma.RequestBody{
		Required: true,
		Content: map[string]*huma.MediaType{multipartType: {Schema: &huma.Schema{
			Type: huma.TypeObject, Required: []string{"file", "kind"},
			Properties: map[string]*huma.Schema{
				"file": {Type: huma.TypeString, Format: "binary"},
				"kind": {
					Type: huma.TypeString, Enum: []any{"avatar", "scenario", "line"},
					Examples: []any{"scenario"},
				},
				"alt": {
					Type: huma.TypeString, MaxLength: &maxAlt,
					Description: "what the picture shows, or what the line says",
					Examples:    []any{"A pre-filled insulin pen on a kitchen table"},
				},
			},
		}}},
	}
}

// uploadInput gives the operation the request itself, since the body is read as it arrives.
type uploadInput struct {
	request *http.Request
	writer  http.ResponseWriter
}

// Resolve implements huma.Resolver.
func (in *uploadInput) Resolve(ctx huma.Context) []error {
	in.request, in.writer = humachi.Unwrap(ctx)
	return nil
}

type mediaOutput struct {
	Location string `header:"Location"`
	Body     Media
}

func (s *Service) upload(ctx context.Context, in *uploadInput) (*mediaOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	if p.User.VerifiedAt == nil {
		return nil, httpx.Unconfirmed("can upload nothing")
	}
	leave, err := s.receiving.enter(ctx)
	if err != nil {
		return nil, busy(err)
	}
	defer leave()
	// The time limit of other operations is too short for a slow connection.
	httpx.WriteWithin(in.writer, s.Config.UploadLimit+s.Config.WorkLimit+time.Minute)
	form, err := s.receive(in.request, in.writer, p.User)
	if err != nil {
		return nil, err
	}
	defer form.close()
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Config.WorkLimit)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) { // the client has gone
			cancel()
		}
	})()
	m := store.Media{OwnerID: p.User.ID, Kind: form.kind, Alt: form.alt}
	bodies, err := s.encode(work, form, &m)
	if err != nil {
		return nil, err
	}
	if m, err = s.save(work, m, bodies); err != nil {
		return nil, err
	}
	if m.Kind == store.MediaAvatar {
		s.Sessions.AfterChange(p.User.ID, nil, "")
	}
	return &mediaOutput{Location: store.MediaPath(m.ID), Body: s.show(m)}, nil
}

// busy is the problem for an upload that finds too many others, or has waited for them too long.
func busy(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: %w", store.ErrLimit, err)
	case !errors.Is(err, store.ErrLimit):
		return err
	}
	return &httpx.Fault{
		Err: err, Code: "uploads-busy", RetryAfter: 5 * time.Second,
		Detail: "Many uploads arrive at the moment. Try again in a few seconds.",
	}
}

// encode decodes what was received and encodes it again, while no other upload does. It sets the
// medium's files, and returns their contents by their keys.
func (s *Service) encode(ctx context.Context, form *received,
	m *store.Media) (map[string][]byte, error) {
	if form.isSound() {
		if m.Kind != store.MediaLine {
			return nil, wrongType("This is a sound. Choose a picture: JPEG, PNG, GIF or WebP.")
		}
	} else if picture.Format(form.head) == "" {
		return nil, wrongType("This is neither a picture (JPEG, PNG, GIF or WebP) nor a sound " +
			"(WAV, Ogg Opus or MP3), whatever its name says. Export it as one of these.")
	} else if m.Kind == store.MediaLine {
		return nil, wrongType("This is a picture. Choose a sound: WAV, Ogg Opus or MP3.")
	}
	leave, err := s.decoding.enter(ctx)
	if err != nil {
		return nil, busy(err)
	}
	defer leave()
	if m.Kind == store.MediaLine {
		return s.encodeLine(ctx, form, m)
	}
	out, err := picture.Render(ctx, form.file, pictureEdges(m.Kind), picture.Limits{})
	if err != nil {
		return nil, pictureFault(err)
	}
	return pictureFiles(m, out), nil
}

// pictureFiles sets the files of a picture, and returns their contents by their keys.
func pictureFiles(m *store.Media, out picture.Rendered) map[string][]byte {
	bodies := map[string][]byte{}
	for _, f := range []struct {
		size store.MediaSize
		file picture.File
	}{
		{store.MediaSmall, out.Small}, {store.MediaMedium, out.Medium},
		{store.MediaLarge, out.Large},
	} {
		key := store.MediaKey(sha256.Sum256(f.file.JPEG), "jpg")
		bodies[key] = f.file.JPEG
		m.Files = append(m.Files, store.MediaFile{
			Size: f.size, Key: key, Type: "image/jpeg", Bytes: int64(len(f.file.JPEG)),
			Width: f.file.Width, Height: f.file.Height,
		})
	}
	return bodies
}

// ErrSound is returned by an EncodeLine for a file that it cannot read. Words says why, for users.
type ErrSound struct{ Words string }

func (e ErrSound) Error() string { return e.Words }

func (s *Service) encodeLine(ctx context.Context, form *received,
	m *store.Media) (map[string][]byte, error) {
	if s.EncodeLine == nil {
		return nil, wrongType("This server takes no sounds.")
	}
	var out bytes.Buffer
	line, err := s.EncodeLine(ctx, form.file, &out)
	var unreadable ErrSound
	if errors.As(err, &unreadable) {
		return nil, &httpx.Fault{
			Err:  fmt.Errorf("%w: %w", store.ErrInvalid, err),
			Code: "unreadable-sound", Detail: unreadable.Words,
		}
	}
	if err != nil {
		return nil, err
	}
	m.Duration, m.Loudness = line.Duration, line.Loudness
	key := store.MediaKey(sha256.Sum256(out.Bytes()), "ogg")
	m.Files = []store.MediaFile{{
		Size: store.MediaLarge, Key: key, Type: "audio/ogg", Bytes: int64(out.Len()),
	}}
	return map[string][]byte{key: out.Bytes()}, nil
}

// pictureFault turns an error of package picture into a problem.
func pictureFault(err error) error {
	fault := &httpx.Fault{Err: fmt.Errorf("%w: %w", store.ErrInvalid, err)}
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		fault.Code = "too-many-pixels"
		fault.Detail = "The picture has too many pixels. Make it smaller, to 4000 pixels on its " +
			"longer edge for example, and upload it again."
	case errors.Is(err, picture.ErrDamaged), errors.Is(err, picture.ErrFormat):
		fault.Code = "damaged-picture"
		fault.Detail = "The picture is damaged or incomplete. Export it again, and upload that."
	default:
		return err
	}
	return fault
}

// wrongType is a problem with the status 415.
func wrongType(detail string) error {
	return &huma.ErrorModel{Status: http.StatusUnsupportedMediaType, Detail: detail}
}

// saveTries is how often an upload is stored whose files are removed at the same moment, because
// the last other picture with the same content is deleted.
const saveTries = 5

// save stores the files of a medium, and then the medium.
func (s *Service) save(ctx context.Context, m store.Media,
	bodies map[string][]byte) (saved store.Media, err error) {
	for range saveTries {
		if err = putFiles(ctx, s.Store, s.Files, m, bodies); err != nil {
			return m, err
		}
		saved, err = s.Store.CreateMedia(ctx, m, s.Config.quota())
		if !errors.Is(err, store.ErrState) {
			break
		}
	}
	if errors.Is(err, store.ErrLimit) {
		return m, &httpx.Fault{
			Err: fmt.Errorf("%w: %w", store.ErrState, err), Code: "media-quota",
			Detail: "You have used the space for your uploads. Delete some in the library that " +
				"you no longer need.",
		}
	}
	return saved, err
}
