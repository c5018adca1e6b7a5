package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"bedside/api/media/picture"
	"bedside/store"
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
