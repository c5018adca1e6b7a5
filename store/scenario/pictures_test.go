package scenario

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/jpeg"
	"io/fs"
	"strings"
	"testing"
)

// TestPicturesAreOfTheirDrawings checks that each shipped role play has a drawing, and a picture
// that was rendered of it by make pictures.
func TestPicturesAreOfTheirDrawings(t *testing.T) {
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	sources, err := fs.ReadFile(files, "pictures/SOURCES")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shipped {
		drawing, err := fs.ReadFile(files, "pictures/"+s.Slug+".svg")
		if err != nil {
			t.Errorf("%s has no drawing: %v", s.Slug, err)
			continue
		}
		sum := sha256.Sum256(drawing)
		if !strings.Contains(string(sources),
			hex.EncodeToString(sum[:])+"  "+s.Slug+".svg\n") {
			t.Errorf("the picture of %s is behind its drawing: run make pictures", s.Slug)
		}
		data, kind, ok := Picture(s.Slug)
		if !ok || kind != "image/jpeg" || len(data) > 24_000 {
			t.Errorf("%s: a picture of type %q with %d bytes", s.Slug, kind, len(data))
			continue
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || c.Width != 800 || c.Height < 400 {
			t.Errorf("%s: %d x %d, %v", s.Slug, c.Width, c.Height, err)
		}
	}
}
