package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// Format names the image format whose files begin with head, of which twelve bytes are enough, or
// returns "".
func Format(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "jpeg"
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return "png"
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return "gif"
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return "webp"
	}
	return ""
}

// facts are what the headers of an image say.
type facts struct {
	format        string
	width, height int
	// perPixel is the memory in bytes that decoding takes for each pixel, at most.
	perPixel    float64
	orientation int // as EXIF has it, 1 to 8
}

// inspect reads the headers of an image. It decodes no pixel.
func inspect(file *source) (facts, error) {
	var f facts
	if err := file.rewind(); err != nil {
		return f, err
	}
	r := bufio.NewReader(file)
	head, err := r.Peek(32)
	if err != nil && !errors.Is(err, io.EOF) {
		return f, err
	}
	f.format, f.orientation = Format(head), 1
	config := func(decode func(io.Reader) (image.Config, error)) error {
		c, err := decode(r)
		if err != nil {
			return file.fault(err)
		}
		f.width, f.height = c.Width, c.Height
		return nil
	}
	switch f.format {
	case "jpeg":
		return f, f.inspectJPEG(r, file)
	case "png":
		f.perPixel = 4
		if len(head) == 32 && head[24] == 16 {
			f.perPixel = 8
		}
		if len(head) == 32 && head[28] != 0 {
			f.perPixel *= 2 // interlaced: the passes are images of their own
		}
		err = config(png.DecodeConfig)
	case "gif":
		f.perPixel = 1
		err = config(gif.DecodeConfig)
	case "webp":
		f.perPixel = 8
		if len(head) >= 16 && string(head[12:16]) == "VP8 " {
			f.perPixel = 1.5
		}
		err = config(webp.DecodeConfig)
	default:
		return f, ErrFormat
	}
	if err == nil && f.format != "gif" {
		err = f.readChunks(file)
	}
	return f, err
}

// inspectJPEG reads the markers of a JPEG file up to the image data.
func (f *facts) inspectJPEG(r io.Reader, file *source) error {
	h, err := readJPEG(r)
	if err != nil {
		return file.fault(err)
	}
	f.width, f.height, f.orientation = h.width, h.height, h.orientation
	f.perPixel = h.samplesPerPixel
	if h.progressive {
		f.perPixel += 4 * h.samplesPerPixel // all coefficients are kept, of four bytes each
	}
	if h.components == 4 {
		f.perPixel += 4 // converted at the end
	}
	return nil
}

// check returns ErrTooLarge unless the image is within the limits.
func (f facts) check(limits Limits) error {
	pixels := int64(f.width) * int64(f.height)
	if pixels > int64(limits.Pixels) || float64(pixels)*f.perPixel > float64(limits.Memory) {
		return fmt.Errorf("%d x %d: %w", f.width, f.height, ErrTooLarge)
	}
	return nil
}

// decode decodes the image, of an animation the first picture.
func (f facts) decode(file *source) (img image.Image, err error) {
	if err := file.rewind(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("%w: the decoder failed: %v", ErrDamaged, p)
		}
	}()
	decode := map[string]func(io.Reader) (image.Image, error){
		"jpeg": jpeg.Decode, "png": png.Decode, "gif": gif.Decode, "webp": webp.Decode,
	}[f.format]
	var r io.Reader = bufio.NewReaderSize(file, 64<<10)
	if f.format == "jpeg" {
		r = &scanCounter{from: r, file: file}
	}
	if img, err = decode(r); err != nil {
		return nil, file.fault(err)
	}
	if err := file.ctx.Err(); err != nil {
		return nil, err
	}
	// The decoder reads the headers again: what it makes must be what was checked.
	if b := img.Bounds(); b.Dx() > f.width || b.Dy() > f.height {
		return nil, fmt.Errorf("%w: the headers contradict each other", ErrDamaged)
	}
	return img, nil
}

// maxChunks is the number of chunks of a PNG or WebP file that are looked at for its orientation.
const maxChunks = 4096

// readChunks finds the EXIF data of a PNG or WebP file. Files whose chunks make no sense keep
// their orientation; the decoder decides about them.
func (f *facts) readChunks(file *source) error {
	at, order, head, trailer := int64(8), binary.ByteOrder(binary.BigEndian), 8, int64(4)
	if f.format == "webp" {
		at, order, trailer = 12, binary.LittleEndian, 0
	}
	buf := make([]byte, head)
	for range maxChunks {
		if _, err := file.from.Seek(at, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.ReadFull(file, buf); err != nil {
			return file.err
		}
		name, size := string(buf[4:8]), int64(order.Uint32(buf[:4]))
		if f.format == "webp" {
			name, size = string(buf[:4]), int64(order.Uint32(buf[4:8]))
		}
		if (name == "eXIf" || name == "EXIF") && size <= maxEXIF {
			tiff := make([]byte, size)
			if _, err := io.ReadFull(file, tiff); err != nil {
				return file.err
			}
			f.orientation = orientationOf(bytes.TrimPrefix(tiff, []byte(exifPrefix)))
			return nil
		}
		at += int64(head) + size + trailer
		if f.format == "webp" {
			at += size % 2
		}
	}
	return nil
}
