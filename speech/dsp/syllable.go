package dsp

import "slices"

// Syllable nuclei after de Jong and Wempe (2009): voiced peaks of the intensity contour that rise
// above the dips around them.
const (
	nucleusDip   = 2.0  // least rise of the contour before a nucleus and fall after it, in dB
	nucleusDrop  = 25.0 // largest distance of a nucleus below the 99th percentile of speech, in dB
	nucleusReach = 2    // frames on each side of the peak of which one must be voiced
)

// nuclei returns the frames of the syllable nuclei, in order.
func nuclei(intensity, f0 []float32, speech []stretch) []int {
	var sounding []float64
	for _, s := range speech {
		for _, db := range intensity[s.from:s.to] {
			sounding = append(sounding, float64(db))
		}
	}
	threshold := float32(quantile(sounding, 0.99) - nucleusDrop)
	var found []int
	for _, peak := range peaks(intensity, nucleusDip) {
		if intensity[peak] > threshold && inside(speech, peak) && voicedNear(f0, peak) {
			found = append(found, peak)
		}
	}
	return found
}

// peaks returns the maxima of a contour with a dip of at least dip on both sides, before the
// contour is as high again. The contour counts as silent before its start and after its end.
func peaks(contour []float32, dip float32) []int {
	var found []int
	rising, high, low := true, 0, 0
	for i, v := range contour {
		switch {
		case rising && v > contour[high]:
			high = i
		case rising && v <= contour[high]-dip:
			found = append(found, high)
			rising, low = false, i
		case !rising && v < contour[low]:
			low = i
		case !rising && v >= contour[low]+dip:
			rising, high = true, i
		}
	}
	if rising && len(contour) > 0 {
		found = append(found, high)
	}
	return found
}

func inside(speech []stretch, frame int) bool {
	_, ok := slices.BinarySearchFunc(speech, frame, func(s stretch, frame int) int {
		switch {
		case s.to <= frame:
			return -1
		case s.from > frame:
			return 1
		}
		return 0
	})
	return ok
}

func voicedNear(f0 []float32, frame int) bool {
	for i := max(0, frame-nucleusReach); i <= min(len(f0)-1, frame+nucleusReach); i++ {
		if f0[i] > 0 {
			return true
		}
	}
	return false
}
