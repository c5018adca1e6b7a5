package picture

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// shrink returns an area of an image, on white, whose longer edge is at most edge pixels: each
// pixel is the mean of those that it covers. It never enlarges. Besides the result it needs
// memory for a few rows only.
func shrink(img image.Image, area image.Rectangle, edge int) *image.RGBA {
	w, h := fit(area.Dx(), area.Dy(), edge)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	row := image.NewRGBA(image.Rect(0, 0, area.Dx(), 1))
	white := image.NewUniform(color.White)
	columns := spans(area.Dx(), w)
	narrow := make([]float32, 3*w) // the current row, scaled across
	sums := make([]float32, 3*w)   // of the rows that the output's row covers
	scale := float64(area.Dy()) / float64(h)
	y := 0
	for src := range area.Dy() {
		draw.Draw(row, row.Bounds(), white, image.Point{}, draw.Src)
		draw.Draw(row, row.Bounds(), img, image.Pt(area.Min.X, area.Min.Y+src), draw.Over)
		average(narrow, row.Pix, columns)
		for top, bottom := float64(src), float64(src+1); y < h; {
			end := float64(y+1) * scale
			weight := float32(math.Min(bottom, end) - top)
			for i, v := range narrow {
				sums[i] += weight * v
			}
			if end > bottom && src+1 < area.Dy() {
				break // more rows follow
			}
			flush(out.Pix[y*out.Stride:], sums, 1/float32(scale))
			if y++; end >= bottom {
				break
			}
			top = end
		}
	}
	return out
}

// fit returns the size of an image whose longer edge is at most edge, in the same proportions.
func fit(w, h, edge int) (int, int) {
	long := max(w, h)
	if long <= edge {
		return w, h
	}
	scaled := func(n int) int {
		return max(1, int(math.Round(float64(n)*float64(edge)/float64(long))))
	}
	return scaled(w), scaled(h)
}

// span is what one pixel of the output covers of a row: from first, which counts by a weight, to
// last, which counts by another, with whole pixels between.
type span struct {
	first, last   int
	wFirst, wLast float32
}

// spans divides a row of n pixels among m.
func spans(n, m int) []span {
	list := make([]span, m)
	scale := float64(n) / float64(m)
	for i := range list {
		from, to := float64(i)*scale, float64(i+1)*scale
		s := span{first: int(from), last: min(int(to), n-1)}
		if s.first == s.last {
			s.wFirst = 1
		} else {
			s.wFirst = float32((float64(s.first+1) - from) / scale)
			s.wLast = float32((to - float64(s.last)) / scale)
		}
		list[i] = s
	}
	return list
}

// average scales a row of RGBA pixels to three values for each span.
func average(out []float32, pix []byte, list []span) {
	for i, s := range list {
		inner := float32(0)
		if s.last > s.first+1 {
			inner = (1 - s.wFirst - s.wLast) / float32(s.last-s.first-1)
		}
		for c := range 3 {
			v := s.wFirst * float32(pix[4*s.first+c])
			if s.last > s.first {
				v += s.wLast * float32(pix[4*s.last+c])
			}
			whole := 0
			for x := s.first + 1; x < s.last; x++ {
				whole += int(pix[4*x+c])
			}
			out[3*i+c] = v + inner*float32(whole)
		}
	}
}

// flush writes sums, scaled, as a row of opaque pixels, and clears them.
func flush(pix []byte, sums []float32, scale float32) {
	for i := 0; i < len(sums); i += 3 {
		for c := range 3 {
			pix[4*(i/3)+c] = byte(min(255, max(0, sums[i+c]*scale+0.5)))
		}
		pix[4*(i/3)+3] = 255
	}
	clear(sums)
}

// upright turns an image as its EXIF orientation says: 2, 4, 5 and 7 are mirrored, 3 is upside
// down, 6 and 8 lie on a side.
func upright(img *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			var tx, ty int
			switch orientation {
			case 2:
				tx, ty = w-1-x, y
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				tx, ty = x, h-1-y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[out.PixOffset(tx, ty):][:4], img.Pix[img.PixOffset(x, y):][:4])
		}
	}
	return out
}
