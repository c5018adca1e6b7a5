// Package media is the slice of pictures and sounds: portraits of users, pictures of scenarios,
// and recorded lines of patients.
//
// An upload is never passed on as it came. It is written to a temporary file as it arrives, its
// first bytes decide what it is, and it is decoded and encoded again (package picture, and
// speech/line for sound), one at a time in the process. What is stored has no name and no type
// that the client chose.
//
// Anybody may see public media: what came with the program, and the pictures of published
// scenarios. The rest needs an access token, or an address that is signed for a few minutes, which
// a page can put into an img or audio element.
package media

import (
	"context"
	"io"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Store keeps the records of media; store/postgres implements it.
type Store interface {
	// ReserveMediaFiles announces that files are about to be written.
	ReserveMediaFiles(ctx context.Context, keys []string) error
	CreateMedia(ctx context.Context, m store.Media, quota store.MediaQuota) (store.Media, error)
	Media(ctx context.Context, id string) (store.Media, error)
	ListMedia(ctx context.Context, f store.MediaFilter) ([]store.Media, error)
	DeleteMedia(ctx context.Context, id string,
		rule func(store.Media) (store.Effects, error)) error
}

// Files keeps the files; store/blob implements it.
type Files interface {
	Put(ctx context.Context, key string, r io.Reader, contentType string) (int64, error)
}

// Line is a recorded line, encoded.
type Line struct {
	Duration time.Duration
	Loudness float64 // in LUFS
}

// EncodeLine reads a sound file twice, and writes it to w as Ogg Opus of the usual loudness. It
// returns ErrSound for what is no sound that it can read, with words for the user.
type EncodeLine func(ctx context.Context, r io.ReadSeeker, w io.Writer) (Line, error)

// Service handles the slice's operations.
type Service struct {
	Store    Store
	Files    Files
	Open     func(ctx context.Context, key string) (httpx.File, error)
	Sessions *auth.Sessions
	// EncodeLine may be nil: then lines are refused.
	EncodeLine EncodeLine
	Config     Config
	Clock      func() time.Time

	receiving *gate
	decoding  *gate
}

// New returns a service that is ready for requests.
func New(s Service) *Service {
	s.Config = s.Config.withDefaults()
	s.receiving = newGate(s.Config.Receiving, 0)
	s.decoding = newGate(1, s.Config.Waiting)
	return &s
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag:         "media",
		Description: "Pictures of users and scenarios, and recorded lines of patients",
		Routes: func(api huma.API) {
			s.uploadRoute(api)
			s.fileRoutes(api)
			s.libraryRoutes(api)
		},
		Tables: []store.TableRule{
			{
				Table: "media", OnDelete: store.Deleted,
				Why: "the user's portrait. Pictures and lines that a tutor uploaded belong to " +
					"scenarios: they stay, without who uploaded them",
			},
			{Table: "media_files", OnDelete: store.Deleted, Why: "with their medium"},
			{Table: "media_blobs", OnDelete: store.Kept, Why: "not about a user"},
			{Table: "media_uses", OnDelete: store.Kept, Why: "not about a user"},
		},
		Files: []store.FileRule{{
			Pattern: store.MediaPrefix() + "<hash>.jpg", OnDelete: store.Deleted,
			Why: "the sizes of the portrait: removed by a job, unless another picture is the " +
				"same to the byte",
		}},
	}
}

// Media is a medium as the API shows it.
type Media struct {
	ID       string          `json:"id" format:"uuid"`
	Kind     store.MediaKind `json:"kind" enum:"avatar,scenario,line"`
	Type     string          `json:"type" doc:"Content-Type of its files" example:"image/jpeg"`
	Bytes    int64           `json:"bytes" doc:"of the largest file"`
	Width    int             `json:"width" doc:"in pixels; 0 for sound"`
	Height   int             `json:"height" doc:"in pixels; 0 for sound"`
	Duration float64         `json:"duration_s" doc:"in seconds; 0 for pictures" example:"2.4"`
	Loudness float64         `json:"loudness_lufs" minimum:"-100" doc:"of sound, in LUFS; 0 for pictures" example:"-23"`
	Alt      string          `json:"alt" doc:"what the picture shows, or what the line says"`
	URL      string          `json:"url" doc:"where the file is; add size to choose one. It needs no token; unless the medium is public it works for some minutes" example:"/api/media/0190d2a0-0000-7000-8000-000000000001"`
	Public   bool            `json:"public" doc:"whether anybody may see it"`
	Sizes    []MediaFile     `json:"sizes" doc:"its files, the largest last"`
	Created  time.Time       `json:"created_at"`
}

// MediaFile is one file of a medium.
type MediaFile struct {
	Size   store.MediaSize `json:"size" enum:"small,medium,large"`
	URL    string          `json:"url"`
	Bytes  int64           `json:"bytes"`
	Width  int             `json:"width"`
	Height int             `json:"height"`
}

// show returns a medium as the API shows it, with addresses for the requester.
func (s *Service) show(m store.Media) Media {
	large, _ := m.File(store.MediaLarge)
	out := Media{
		ID: m.ID, Kind: m.Kind, Type: large.Type, Bytes: large.Bytes, Width: large.Width,
		Height: large.Height, Duration: m.Duration.Seconds(), Loudness: m.Loudness, Alt: m.Alt,
		Public: m.Public, URL: s.address(m, ""), Sizes: []MediaFile{}, Created: m.CreatedAt,
	}
	for _, f := range m.Files {
		out.Sizes = append(out.Sizes, MediaFile{
			Size: f.Size, URL: s.address(m, f.Size), Bytes: f.Bytes, Width: f.Width,
			Height: f.Height,
		})
	}
	return out
}

// notFound is the problem for a medium that does not exist or that one may not see.
func notFound(err error) error {
	return &httpx.Fault{
		Err: err, Detail: "There is no such picture or sound, or it is not yours to see.",
	}
}

func binaryContent(types ...string) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{
			Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"},
		}
	}
	return content
}

const mediaPath = "/api/media/{id}"

// statuses of operations on one medium.
func missingOr(more ...int) []int { return append([]int{http.StatusNotFound}, more...) }
