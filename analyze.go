package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"bedside/speech"
	"bedside/store"
)

type analyzeCommand struct {
	File string `arg:"" help:"WAV or Ogg Opus file; - for standard input."`
	JSON bool   `help:"Print everything that was measured as JSON (speech/ANALYSIS.md describes it)." name:"json"`
}

func (c analyzeCommand) Run(ctx context.Context, s *streams) error {
	in := s.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = bufio.NewReader(f)
	}
	a, err := speech.AnalyzeFile(ctx, in, progress(s.err))
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(a)
	}
	fmt.Fprintf(s.out, "%s: %.1f s\n", c.File, a.DurationS)
	printMeasures(s.out, a.Measures)
	return nil
}

// progress tells of long files, every ten minutes of audio.
func progress(w io.Writer) func(time.Duration) {
	const step = 10 * time.Minute
	next := step
	return func(heard time.Duration) {
		if heard >= next {
			fmt.Fprintf(w, "analysed %v\n", heard.Round(time.Second))
			next += step
		}
	}
}

func printMeasures(out io.Writer, m store.Measures) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	defer w.Flush()
	line := func(name, format string, value *float64) {
		if value == nil {
			fmt.Fprintf(w, "  %s\t-\n", name)
			return
		}
		fmt.Fprintf(w, "  %s\t"+format+"\n", name, *value)
	}
	line("speech, pauses included", "%.1f s", &m.SpeechDurationS)
	line("phonation-time ratio", "%.2f", m.PhonationTimeRatio)
	line("speech rate", "%.2f syllables/s", m.SpeechRateSyllPerS)
	line("articulation rate", "%.2f syllables/s", m.ArticulationRateSyllPerS)
	line("mean length of run", "%.1f syllables", m.MeanLengthOfRunSyll)
	fmt.Fprintf(w, "  pauses\t%d, %.1f s in all\n", m.PauseCount, m.PauseTotalS)
	line("mean pause", "%.2f s", m.PauseMeanS)
	line("F0 median", "%.0f Hz", m.F0MedianHz)
	line("F0 range", "%.1f semitones", m.F0RangeSemitones)
	line("intensity", "%.1f dB re full scale", m.IntensityMeanDB)
}
