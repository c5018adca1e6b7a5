package picture

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"runtime"
	"strings"
	"testing"
)

var edges = Edges{Small: 16, Medium: 64, Large: 160}

// halves returns an image whose left half is red and whose right half is blue.
func halves(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func jpegOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif returns EXIF data with an orientation, in either byte order.
func exif(orientation int, order binary.AppendByteOrder, magic string) []byte {
	b := order.AppendUint32([]byte(magic), 8)
	b = order.AppendUint16(b, 2)
	b = append(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x010f), 2), 30),
		"MAKE"...)
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x0112), 3), 1)
	return append(order.AppendUint16(b, uint16(orientation)), 0, 0, 0, 0, 0, 0)
}

// withEXIF inserts EXIF data into a JPEG file.
func withEXIF(file, data []byte) []byte {
	segment := append([]byte(exifPrefix), data...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(segment)+2))
	return append(append(head, segment...), file[2:]...)
}

func TestOrientationIsAppliedAndMetadataRemoved(t *testing.T) {
	plain := jpegOf(t, halves(80, 40))
	// Where the red half is, for each orientation: of the upright image.
	red := map[int]string{
		1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom",
		8: "bottom",
	}
	for orientation, side := range red {
		for _, data := range [][]byte{
			exif(orientation, binary.LittleEndian, "II*\x00"),
			exif(orientation, binary.BigEndian, "MM\x00*"),
		} {
			out, err := Render(t.Context(), bytes.NewReader(withEXIF(plain, data)), edges,
				Limits{})
			if err != nil {
				t.Fatal(orientation, err)
			}
			if bytes.Contains(out.Large.JPEG, []byte("Exif")) ||
				bytes.Contains(out.Large.JPEG, []byte("MAKE")) {
				t.Errorf("%d: there is metadata in the file", orientation)
			}
			img, err := jpeg.Decode(bytes.NewReader(out.Large.JPEG))
			if err != nil {
				t.Fatal(err)
			}
			w, h := img.Bounds().Dx(), img.Bounds().Dy()
			if w != out.Large.Width || h != out.Large.Height || (w > h) != (orientation < 5) {
				t.Errorf("%d: %d x %d", orientation, w, h)
			}
			at := map[string]image.Point{
				"left": {5, h / 2}, "right": {w - 6, h / 2}, "top": {w / 2, 5},
				"bottom": {w / 2, h - 6},
			}[side]
			if r, _, b, _ := img.At(at.X, at.Y).RGBA(); r < 0xc000 || b > 0x4000 {
				t.Errorf("%d: the red half is not at the %s", orientation, side)
			}
		}
	}
	for _, data := range [][]byte{
		nil, []byte("II*\x00"), []byte("II*\x00\xff\xff\xff\xff"),
		exif(9, binary.LittleEndian, "II*\x00"), exif(6, binary.LittleEndian, "II*\x00")[:20],
	} {
		if n := orientationOf(data); n != 1 {
			t.Errorf("%q: orientation %d", data, n)
		}
	}
}

func TestFormatsAreRead(t *testing.T) {
	img := halves(300, 100)
	var moving bytes.Buffer
	pal := image.NewPaletted(img.Bounds(), color.Palette{
		color.RGBA{R: 255, A: 255}, color.RGBA{B: 255, A: 255},
	})
	for y := range 100 {
		for x := range 300 {
			pal.SetColorIndex(x, y, uint8(x/150))
		}
	}
	if err := gif.EncodeAll(&moving, &gif.GIF{
		Image: []*image.Paletted{pal, pal}, Delay: []int{1, 1},
	}); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"jpeg": jpegOf(t, img), "png": pngOf(t, img), "gif": moving.Bytes(),
	} {
		if Format(file) != name {
			t.Errorf("%s is taken for %q", name, Format(file))
		}
		out, err := Render(t.Context(), bytes.NewReader(file), edges, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, c := range []struct {
			file File
			w, h int
		}{{out.Large, 160, 53}, {out.Medium, 64, 21}, {out.Small, 16, 5}} {
			got, err := jpeg.Decode(bytes.NewReader(c.file.JPEG))
			if err != nil || got.Bounds().Dx() != c.w || got.Bounds().Dy() != c.h {
				t.Errorf("%s: %v, %v, want %d x %d", name, got.Bounds(), err, c.w, c.h)
				continue
			}
			left, _, _, _ := got.At(1, c.h/2).RGBA()
			_, _, right, _ := got.At(c.w-2, c.h/2).RGBA()
			if left < 0xd000 || right < 0xd000 {
				t.Errorf("%s: the colours are %x and %x", name, left, right)
			}
		}
	}
}

func TestTransparencyBecomesWhiteAndPortraitsSquare(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 90, 30))
	for y := range 30 {
		for x := 30; x < 60; x++ {
			img.SetNRGBA(x, y, color.NRGBA{G: 255, A: uint8(255 * (y / 15))})
		}
	}
	out, err := Render(t.Context(), bytes.NewReader(pngOf(t, img)),
		Edges{Small: 8, Medium: 16, Large: 30, Square: true}, Limits{})
	if err != nil || out.Large.Width != 30 || out.Large.Height != 30 {
		t.Fatalf("%d x %d, %v", out.Large.Width, out.Large.Height, err)
	}
	got, err := jpeg.Decode(bytes.NewReader(out.Large.JPEG))
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _, _ := got.At(15, 4).RGBA(); r < 0xf000 {
		t.Errorf("transparent pixels are not white: %x", r)
	}
	if r, g, _, _ := got.At(15, 26).RGBA(); r > 0x3000 || g < 0xc000 {
		t.Errorf("the middle is not green: %x %x", r, g)
	}
}

// TestShrinkKeepsTheMean compares the mean of an image with that of its smaller ones.
func TestShrinkKeepsTheMean(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 97, 53))
	for i := range img.Pix {
		img.Pix[i] = byte(i * 7919 >> 3)
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	mean := func(img *image.RGBA) (sum float64) {
		for i := 0; i < len(img.Pix); i += 4 {
			sum += float64(img.Pix[i])
		}
		return sum / float64(len(img.Pix)/4)
	}
	for edge := 1; edge <= 97; edge++ {
		out := shrink(img, img.Bounds(), edge)
		if math.Abs(mean(out)-mean(img)) > 1.5 {
			t.Errorf("edge %d: mean %.1f, want %.1f", edge, mean(out), mean(img))
		}
	}
	if out := shrink(img, img.Bounds(), 200); !bytes.Equal(out.Pix, img.Pix) {
		t.Error("an image that is small enough is changed")
	}
}

// chunk returns a chunk of a PNG file.
func chunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// bomb returns a PNG file of a size, in which every pixel has the same colour: all of 12000 x
// 12000 pixels would be 420 kB.
func bomb(t testing.TB, w, h int, colourType byte, more ...[]byte) []byte {
	t.Helper()
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	per := map[byte]int{0: 1, 2: 3, 6: 4}[colourType]
	row := make([]byte, 1+w*per)
	rows := h
	if w*h > DefaultLimits().Pixels/4 {
		rows = min(h, 100) // refused by its header: the rest would only take the test's time
	}
	for range rows {
		if _, err := z.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)),
		uint32(h))
	file := append([]byte("\x89PNG\r\n\x1a\n"),
		chunk("IHDR", append(head, 8, colourType, 0, 0, 0))...)
	for _, m := range more {
		file = append(file, m...)
	}
	return append(append(file, chunk("IDAT", data.Bytes())...), chunk("IEND", nil)...)
}

// scans returns a progressive JPEG file of 800 x 800 pixels with a number of scans, each of a few
// bytes that say that no block has anything to add.
func scans(n int) []byte {
	file := []byte{0xff, 0xd8, 0xff, 0xc2, 0, 11, 8, 3, 32, 3, 32, 1, 1, 0x11, 0} // the frame
	// A table with one code, of one bit: a run of at least 16384 blocks.
	file = append(append(append(file, 0xff, 0xc4, 0, 20, 0x10, 1), make([]byte, 15)...), 0xe0)
	for range n {
		file = append(file, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0, 0, 0)
	}
	return append(file, 0xff, 0xd9)
}

// allocated returns how many bytes f allocates, in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostileImages looks at what is allocated in all, of which little is used at the same time.
// It renders files that want to use much memory, or to be something else as well.
func TestHostileImages(t *testing.T) {
	const mb = 1 << 20
	photo := jpegOf(t, halves(80, 40))
	var zipped bytes.Buffer
	z := zlib.NewWriter(&zipped)
	for range 64 {
		if _, err := z.Write(make([]byte, mb)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	text := chunk("zTXt", append([]byte("Comment\x00\x00"), zipped.Bytes()...))
	frames := gif.GIF{}
	for range 5000 {
		frames.Image = append(frames.Image, image.NewPaletted(image.Rect(0, 0, 40, 40),
			color.Palette{color.Black, color.White}))
		frames.Delay = append(frames.Delay, 1)
	}
	var many bytes.Buffer
	if err := gif.EncodeAll(&many, &frames); err != nil {
		t.Fatal(err)
	}
	animated := [][]byte{chunk("acTL", []byte("\x00\x00\x27\x10\x00\x00\x00\x00"))}
	for range 10_000 {
		animated = append(animated, chunk("fdAT", make([]byte, 50)))
	}
	progressive := bytes.Replace(photo, []byte{0xff, 0xc0, 0, 17, 8, 0, 40, 0, 80},
		[]byte{0xff, 0xc2, 0, 17, 8, 0x1b, 0x58, 0x1b, 0x58}, 1) // claims 7000 x 7000
	for name, c := range map[string]struct {
		file []byte
		want error
		most uint64 // bytes that may be allocated, in all
	}{
		"12000 x 12000":      {bomb(t, 12000, 12000, 2), ErrTooLarge, mb},
		"6500 x 6500, RGBA":  {bomb(t, 6500, 6500, 6), ErrTooLarge, mb},
		"progressive":        {progressive, ErrTooLarge, mb},
		"12 scans":           {scans(12), nil, 8 * mb},
		"300 scans":          {scans(300), ErrDamaged, 8 * mb},
		"wide":               {bomb(t, 1<<20, 1, 0), nil, 40 * mb},
		"text that expands":  {bomb(t, 40, 40, 2, text), nil, 2 * mb},
		"5000 frames":        {many.Bytes(), nil, 2 * mb},
		"10000 frames (PNG)": {bomb(t, 40, 40, 2, animated...), nil, 64 * mb},
		"zip":                {[]byte("PK\x03\x04 and so on and on"), ErrFormat, mb},
		"empty":              {nil, ErrFormat, mb},
		"only magic":         {[]byte("\xff\xd8\xff"), ErrDamaged, mb},
		"truncated":          {photo[:len(photo)/2], ErrDamaged, 2 * mb},
		"page":               {[]byte("<svg onload=alert(1)>"), ErrFormat, mb},
		"text before":        {append([]byte("GIF87a"), "<script>"...), ErrTooLarge, mb},
	} {
		var err error
		used := allocated(func() {
			_, err = Render(t.Context(), bytes.NewReader(c.file), edges, Limits{})
		})
		t.Logf("%s: a file of %d kB, %d kB allocated", name, len(c.file)>>10, used>>10)
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if used > c.most {
			t.Errorf("%s: %d kB were allocated", name, used>>10)
		}
	}
}

// TestPolyglotsDoNotSurvive renders an image that is also a page and an archive.
func TestPolyglotsDoNotSurvive(t *testing.T) {
	page := "<html><script>alert(1)</script></html>"
	comment := append(binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xfe},
		uint16(len(page)+2)), page...)
	file := append(comment, jpegOf(t, halves(80, 40))[2:]...)
	file = append(file, "PK\x03\x04<html>PK\x05\x06"...)
	out, err := Render(t.Context(), bytes.NewReader(file), edges, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []File{out.Small, out.Medium, out.Large} {
		if s := string(f.JPEG); strings.Contains(s, "html") || strings.Contains(s, "PK\x03\x04") ||
			strings.Contains(s, "script") {
			t.Error("something else is left in the picture")
		}
	}
}

func TestRenderEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Render(ctx, bytes.NewReader(jpegOf(t, halves(80, 40))), edges,
		Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// lateReader cancels a context with the last bytes of a file, as a deadline does that passes while
// a decoder works on what it has read.
type lateReader struct {
	*bytes.Reader
	cancel func()
}

func (r lateReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.Len() == 0 {
		r.cancel()
	}
	return n, err
}

func TestRenderEndsWhenItsContextEndsWhileDecoding(t *testing.T) {
	for name, file := range map[string][]byte{
		"jpeg": jpegOf(t, halves(800, 400)), "png": pngOf(t, halves(800, 400)),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Render(ctx, lateReader{bytes.NewReader(file), cancel}, edges, Limits{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(withEXIF(jpegOf(f, halves(16, 8)), exif(6, binary.LittleEndian, "II*\x00")))
	f.Add(pngOf(f, halves(16, 8)))
	f.Add([]byte("RIFF\x20\x00\x00\x00WEBPVP8 "))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := inspect(&source{ctx: t.Context(), from: bytes.NewReader(file)})
		if err == nil && (got.orientation < 1 || got.orientation > 8 || got.perPixel <= 0) {
			t.Errorf("%+v", got)
		}
		_, _ = Render(t.Context(), bytes.NewReader(file), edges,
			Limits{Pixels: 10_000, Memory: 1 << 20})
	})
}
