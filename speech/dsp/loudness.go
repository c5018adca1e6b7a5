package dsp

import (
	"math"
	"slices"
)

// Loudness measures how loud a programme is, as ITU-R BS.1770-4 and EBU R 128 define it: its
// integrated loudness in LUFS, and its true peak in dBTP. Samples are at 48 kHz. All channels
// count the same, as those of mono and stereo do. It needs eight bytes for each 0.1 s. Not safe
// for concurrent use.
//
// The sound is weighted by two filters (K-weighting), which model how a head and an ear hear it.
// Blocks of 0.4 s, a new one each 0.1 s, have a loudness each. The integrated loudness is the mean
// of those blocks that are louder than -70 LUFS and at most 10 LU below the mean of these; so
// pauses do not count.
type Loudness struct {
	channels []loudnessChannel
	sum      float64   // of the squares in the current 0.1 s, over all channels
	n        int       // samples of each channel in it
	steps    []float64 // the mean squares of each 0.1 s
}

const (
	// LoudnessRate is the rate of a Loudness's samples in Hz.
	LoudnessRate = 48000

	loudnessStep    = LoudnessRate / 10
	stepsPerBlock   = 4
	loudnessOffset  = -0.691 // dB: a sine of 1 kHz at 0 dBFS in one channel has -3.01 LUFS
	absoluteGate    = -70.0  // LUFS
	relativeGate    = -10.0  // LU
	silenceLoudness = -100.0 // LUFS, for what has no loudness
)

// NewLoudness returns a meter for a number of channels.
func NewLoudness(channels int) *Loudness {
	l := &Loudness{channels: make([]loudnessChannel, channels)}
	for i := range l.channels {
		l.channels[i].filters = peakFilters()
	}
	return l
}

// Add measures samples from -1 to 1, of one channel after the other.
func (l *Loudness) Add(samples []float32) {
	for len(samples) >= len(l.channels) {
		for c := range l.channels {
			y := l.channels[c].weigh(float64(samples[c]))
			l.sum += y * y
		}
		samples = samples[len(l.channels):]
		if l.n++; l.n == loudnessStep {
			l.steps = append(l.steps, l.sum/loudnessStep)
			l.sum, l.n = 0, 0
		}
	}
}

// Integrated returns the loudness of everything so far in LUFS, or -100 for silence. A sound
// shorter than a block is measured as if it were one.
func (l *Loudness) Integrated() float64 {
	steps := l.steps
	if len(steps) < stepsPerBlock {
		if l.n > 0 {
			steps = append(slices.Clone(steps), l.sum/loudnessStep)
		}
		length := float64(len(l.steps)) + float64(l.n)/loudnessStep
		if length == 0 {
			return silenceLoudness
		}
		total := 0.0
		for _, s := range steps {
			total += s
		}
		return max(silenceLoudness, lufs(total/length))
	}
	blocks := make([]float64, 0, len(steps))
	for i := range len(steps) - stepsPerBlock + 1 {
		mean := 0.0
		for _, s := range steps[i : i+stepsPerBlock] {
			mean += s / stepsPerBlock
		}
		if lufs(mean) > absoluteGate {
			blocks = append(blocks, mean)
		}
	}
	gate := lufs(meanOf(blocks)) + relativeGate
	blocks = slices.DeleteFunc(blocks, func(mean float64) bool { return lufs(mean) <= gate })
	return max(silenceLoudness, lufs(meanOf(blocks)))
}

// TruePeak returns the highest level of the waveform between the samples too, in dBTP: of the
// sound sampled four times as often.
func (l *Loudness) TruePeak() float64 {
	peak := 0.0
	for _, c := range l.channels {
		peak = max(peak, c.peak)
	}
	return max(silenceLoudness, 20*math.Log10(peak))
}

// lufs returns the loudness of a mean square of weighted samples.
func lufs(mean float64) float64 { return loudnessOffset + 10*math.Log10(mean) }

// meanOf returns the mean of a list, or 0 for an empty one.
func meanOf(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}

const (
	// peakTaps is the number of samples that each of the four interpolating filters covers.
	peakTaps = 12
	// peakGain is more than the filters make of the largest sample that they cover.
	peakGain = 2.03
)

// peakFilters returns the filters of BS.1770-4, annex 2: two, and the same two backwards.
func peakFilters() [2][peakTaps]float64 {
	return [2][peakTaps]float64{
		{
			0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000,
			-0.0594482421875, 0.1373291015625, 0.9721679687500, -0.1022949218750,
			0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500,
		},
		{
			-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250,
			-0.1665039062500, 0.4650878906250, 0.7797851562500, -0.2003173828125,
			0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375,
		},
	}
}

// loudnessChannel is the state of one channel.
type loudnessChannel struct {
	head, pass biquad
	filters    [2][peakTaps]float64
	peak       float64
	recent     [peakTaps]float64 // the newest first
	top        float64           // the largest of them
	topAge     int               // in samples
}

// weigh returns a sample after K-weighting, and keeps the true peak.
func (c *loudnessChannel) weigh(x float64) float64 {
	copy(c.recent[1:], c.recent[:])
	c.recent[0] = x
	if c.topAge++; math.Abs(x) >= c.top {
		c.top, c.topAge = math.Abs(x), 0
	} else if c.topAge == peakTaps {
		c.top = 0
		for i, y := range c.recent {
			if math.Abs(y) >= c.top {
				c.top, c.topAge = math.Abs(y), i
			}
		}
	}
	c.peak = max(c.peak, math.Abs(x))
	if peakGain*c.top > c.peak {
		c.interpolate()
	}
	// The coefficients of BS.1770-4, tables 1 and 2, for 48 kHz.
	y := c.head.next(x, 1.53512485958697, -2.69169618940638, 1.19839281085285,
		-1.69065929318241, 0.73248077421585)
	return c.pass.next(y, 1, -2, 1, -1.99004745483398, 0.99007225036621)
}

// interpolate keeps the peak of the waveform between the recent samples.
func (c *loudnessChannel) interpolate() {
	for f := range c.filters {
		forwards, backwards := 0.0, 0.0
		for i, weight := range c.filters[f] {
			forwards += weight * c.recent[i]
			backwards += weight * c.recent[peakTaps-1-i]
		}
		c.peak = max(c.peak, math.Abs(forwards), math.Abs(backwards))
	}
}

// biquad is the state of a filter with two poles and two zeros.
type biquad struct{ z1, z2 float64 }

func (f *biquad) next(x, b0, b1, b2, a1, a2 float64) float64 {
	y := b0*x + f.z1
	f.z1 = b1*x - a1*y + f.z2
	f.z2 = b2*x - a2*y
	return y
}
