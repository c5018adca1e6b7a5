// Package picture turns an uploaded image into JPEG files of a few sizes. What people upload is
// never passed on: the pixels are decoded and encoded again, so that nothing else of the file is
// left, neither its metadata (where a photo was taken, with which camera) nor what it may be
// besides an image, such as a web page or an archive.
//
// For example, a photo of 4000 x 3000 pixels from a telephone, held upright, becomes three upright
// JPEG files whose longer edges are 1600, 640 and 160 pixels.
//
// A small file can hold a huge image. So the size in pixels and the memory that decoding takes are
// found out from the headers, and limited, before anything is decoded.
package picture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
)

var (
	// ErrFormat is returned for a file that is not a JPEG, PNG, GIF or WebP image.
	ErrFormat = errors.New("not a JPEG, PNG, GIF or WebP image")
	// ErrDamaged is returned for an image that cannot be decoded to its end.
	ErrDamaged = errors.New("the image is damaged or incomplete")
	// ErrTooLarge is returned for an image of too many pixels, or one that takes too much memory
	// to decode.
	ErrTooLarge = errors.New("the image has too many pixels")
)

// Limits bound what is decoded. A zero field means the value in DefaultLimits.
type Limits struct {
	Pixels int   // width times height
	Memory int64 // bytes that decoding takes
}

// DefaultLimits returns limits that admit the photos of telephones: 50 million pixels, or 20
// million of a progressive JPEG.
func DefaultLimits() Limits { return Limits{Pixels: 50_000_000, Memory: 160 << 20} }

// Edges are the lengths of the longer edge of each file that Render makes, in pixels.
type Edges struct {
	Small, Medium, Large int
	Square               bool // cut the middle out of the image, as for a portrait
}

// File is one encoded size of an image.
type File struct {
	JPEG          []byte
	Width, Height int
}

// Rendered are the files that Render makes. An image that is smaller than an edge is not enlarged,
// so that files may be equal.
type Rendered struct{ Small, Medium, Large File }

// quality of the JPEG files.
const quality = 82

// Render decodes an image and returns it in three sizes, upright. It takes the first picture of an
// animation. It returns ErrFormat, ErrTooLarge or ErrDamaged, or the error of r or ctx.
func Render(ctx context.Context, r io.ReadSeeker, edges Edges, limits Limits) (Rendered, error) {
	limits.Pixels = cmp.Or(limits.Pixels, DefaultLimits().Pixels)
	limits.Memory = cmp.Or(limits.Memory, DefaultLimits().Memory)
	file := &source{ctx: ctx, from: r}
	facts, err := inspect(file)
	if err != nil {
		return Rendered{}, err
	}
	if err := facts.check(limits); err != nil {
		return Rendered{}, err
	}
	img, err := facts.decode(file)
	if err != nil {
		return Rendered{}, err
	}
	if img.Bounds().Empty() {
		return Rendered{}, fmt.Errorf("no pixels: %w", ErrDamaged)
	}
	return render(img, facts.orientation, edges)
}

// render scales, turns and encodes a decoded image.
func render(img image.Image, orientation int, edges Edges) (out Rendered, err error) {
	area := img.Bounds()
	if edges.Square {
		area = middle(area)
	}
	current := upright(shrink(img, area, edges.Large), orientation)
	for _, size := range []struct {
		edge int
		to   *File
	}{{edges.Large, &out.Large}, {edges.Medium, &out.Medium}, {edges.Small, &out.Small}} {
		current = shrink(current, current.Bounds(), size.edge)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, current, &jpeg.Options{Quality: quality}); err != nil {
			return out, fmt.Errorf("encode the image: %w", err)
		}
		*size.to = File{
			JPEG: b.Bytes(), Width: current.Bounds().Dx(), Height: current.Bounds().Dy(),
		}
	}
	return out, nil
}

// middle returns the largest square in the middle of an area.
func middle(area image.Rectangle) image.Rectangle {
	edge := min(area.Dx(), area.Dy())
	left, top := area.Min.X+(area.Dx()-edge)/2, area.Min.Y+(area.Dy()-edge)/2
	return image.Rect(left, top, left+edge, top+edge)
}

// source reads a file until ctx ends, so that decoding ends then too.
type source struct {
	ctx  context.Context
	from io.ReadSeeker
	err  error // the first error of from or ctx, which decoders may hide
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// rewind goes back to the beginning.
func (s *source) rewind() error {
	_, err := s.from.Seek(0, io.SeekStart)
	return err
}

// fault returns the error of the source if there is one, else the other one as ErrDamaged.
func (s *source) fault(err error) error {
	if s.err != nil {
		return s.err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
