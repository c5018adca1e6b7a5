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
	printMeasures(s.out, store.VoiceMeasures(), a.Measures)
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

// printMeasures prints a line for each measure. of is the struct that holds the values.
func printMeasures(out io.Writer, measures []store.Measure, of any) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	defer w.Flush()
	for _, m := range measures {
		fmt.Fprintf(w, "  %s\t%s\n", m.Name, m.Text(of))
	}
}
