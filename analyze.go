package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"bedside/speech"
	"bedside/store"
)

type analyzeCommand struct {
	File string `arg:"" help:"WAV or Ogg Opus file; - for standard input."`
	JSON bool   `help:"Print everything that was measured as JSON (speech/ANALYSIS.md describes it)." name:"json"`
}

// Run measures the file and prints the measures.
func (c analyzeCommand) Run(ctx context.Context, i *invocation) error {
	in := i.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = bufio.NewReader(f)
	}
	a, err := speech.AnalyzeFile(ctx, in, printAnalysed(i.err))
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.JSON {
		return json.NewEncoder(i.out).Encode(a)
	}
	fmt.Fprintf(i.out, "%s: %.1f s\n", c.File, a.DurationS)
	return store.PrintMeasures(i.out, store.VoiceMeasures(), a.Measures)
}

// printAnalysed returns a function that prints progress every ten minutes of audio.
func printAnalysed(w io.Writer) func(time.Duration) {
	const step = 10 * time.Minute
	next := step
	return func(analysed time.Duration) {
		if analysed >= next {
			fmt.Fprintf(w, "analysed %v\n", analysed.Round(time.Second))
			next += step
		}
	}
}
