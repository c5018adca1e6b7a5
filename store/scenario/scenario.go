// Package scenario reads and writes the scenario document as YAML, and holds the role plays that
// are part of the program.
//
// A document is read in three steps. The YAML becomes a tree of plain values, with the line of
// each (read). The tree is checked by the rules that the tags of store.Scenario describe, which
// also make the JSON Schema (Schema). Then it is decoded (Parse). Lint goes on where the format
// ends: it says what makes a valid document a poor role play, such as a summary that gives the
// secret away.
package scenario

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"bedside/store"
)

//go:embed content
var content embed.FS

// Files returns the files of the role plays that are part of the program: one document each, in
// a file named after its slug.
func Files() (fs.FS, error) { return fs.Sub(content, "content") }

// Shipped returns the role plays that are part of the program, by slug.
func Shipped() ([]store.Scenario, error) {
	names, err := fs.Glob(content, "content/*.yaml")
	if err != nil {
		return nil, err
	}
	var list []store.Scenario
	for _, name := range names {
		b, err := content.ReadFile(name)
		if err != nil {
			return nil, err
		}
		read, err := Parse(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, read...)
	}
	return list, nil
}

// Picture returns the picture of a role play that is part of the program, and its media type.
func Picture(slug string) (data []byte, mediaType string, ok bool) {
	for _, kind := range []struct{ ending, mediaType string }{
		{".webp", "image/webp"}, {".jpg", "image/jpeg"}, {".svg", "image/svg+xml"},
	} {
		data, err := content.ReadFile("content/pictures/" + slug + kind.ending)
		if err == nil {
			return data, kind.mediaType, true
		}
	}
	return nil, "", false
}

// PictureByID is Picture by the id that the picture has among the media (store.BuiltInPicture).
func PictureByID(id string) (data []byte, mediaType string, ok bool) {
	names, err := fs.Glob(content, "content/*.yaml")
	if err != nil {
		return nil, "", false
	}
	for _, name := range names {
		slug := strings.TrimSuffix(path.Base(name), ".yaml")
		if store.BuiltInPicture(slug) == strings.ToLower(id) {
			return Picture(slug)
		}
	}
	return nil, "", false
}
