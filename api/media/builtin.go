package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"bedside/api/httpx"
	"bedside/api/media/picture"
	"bedside/store"
	"bedside/store/scenario"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// BuiltInStore keeps the records of built-in media; store/postgres implements it.
type BuiltInStore interface {
	ReserveMediaFiles(ctx context.Context, keys []string) error
	Media(ctx context.Context, id string) (store.Media, error)
	SetBuiltInMedia(ctx context.Context, m store.Media) error
}

// BuiltIn puts the pictures that come with the program among the media, under ids that follow from
// the slugs of their scenarios (store.BuiltInPicture).
type BuiltIn struct {
	Store BuiltInStore
	Files Files
}

// Put adds the picture of a scenario, a JPEG or WebP file, or replaces one of an earlier version
// of the program. alt says what it shows. It does nothing when the picture is there already.
func (b *BuiltIn) Put(ctx context.Context, slug, alt string, file []byte) error {
	sum := sha256.Sum256(file)
	m := store.Media{
		ID: store.BuiltInPicture(slug), Kind: store.MediaScenario, BuiltIn: true, Alt: alt,
		Source: fmt.Sprintf("%x", sum[:8]),
	}
	now, err := b.Store.Media(ctx, m.ID)
	if err == nil && now.Source == m.Source && now.Alt == alt {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	out, err := picture.Render(ctx, bytes.NewReader(file), pictureEdges(store.MediaScenario),
		picture.Limits{})
	if err != nil {
		return fmt.Errorf("the picture of %s: %w", slug, err)
	}
	bodies := pictureFiles(&m, out)
	for range saveTries {
		if err = putFiles(ctx, b.Store, b.Files, m, bodies); err != nil {
			return err
		}
		if err = b.Store.SetBuiltInMedia(ctx, m); !errors.Is(err, store.ErrState) {
			return err
		}
	}
	return err
}

// shipped returns a response with a picture of the program as it was shipped, in one size. It
// serves those that BuiltIn has not put among the media yet, on a server that has just started.
func shipped(id string) (*huma.StreamResponse, bool) {
	data, kind, ok := scenario.PictureByID(id)
	if !ok || kind == "image/svg+xml" {
		return nil, false
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humachi.Unwrap(hc)
		httpx.WriteWithin(w, fileTimeout)
		h := w.Header()
		h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(data)))
		h.Set("Cache-Control", "public, max-age=60") // the sizes are there soon
		setType(h, kind)
		ignoreRange(r)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}}, true
}

// filesReserver announces files that are about to be written.
type filesReserver interface {
	ReserveMediaFiles(ctx context.Context, keys []string) error
}

// putFiles writes the files of a medium to the blob store.
func putFiles(ctx context.Context, s filesReserver, files Files, m store.Media,
	bodies map[string][]byte) error {
	var keys []string
	for key := range bodies {
		keys = append(keys, key)
	}
	if err := s.ReserveMediaFiles(ctx, keys); err != nil {
		return err
	}
	for _, f := range m.Files {
		body, wanted := bodies[f.Key]
		if !wanted {
			continue
		}
		if _, err := files.Put(ctx, f.Key, bytes.NewReader(body), f.Type); err != nil {
			return fmt.Errorf("the file is not stored: %w: %w", store.ErrUnavailable, err)
		}
	}
	return nil
}

// pictureEdges returns the sizes of pictures of a kind.
func pictureEdges(kind store.MediaKind) picture.Edges {
	if kind == store.MediaAvatar {
		return picture.Edges{Small: 96, Medium: 256, Large: 512, Square: true}
	}
	return picture.Edges{Small: 160, Medium: 640, Large: 1600}
}
