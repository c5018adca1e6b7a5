package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"bedside/speech/asr"
	"bedside/speech/asr/acoustic"
	"bedside/speech/asr/adapt"
	"bedside/speech/asr/sphinx"
	"bedside/speech/opus"
)

type trainCommand struct {
	Recogniser trainRecogniserCommand `cmd:"" help:"Adapt the built-in recogniser to speakers, from recordings of known texts."`
}

type trainRecogniserCommand struct {
	Recordings string `arg:"" help:"Table of recordings: tab-separated, with the columns audio, speaker and text." placeholder:"TABLE"`
	Lexicon    string `help:"Pronunciations of words that the packaged dictionary lacks." placeholder:"FILE"`
	Out        string `required:"" help:"File for the adapted model." placeholder:"FILE"`
	Workers    int    `default:"2" help:"How many recordings are read at once, 1 to 64."`
}

// Help describes the input and the output.
func (trainRecogniserCommand) Help() string {
	return strings.Join([]string{
		"Recordings are WAV, Ogg Opus or MP3 files of one sentence each, of at most a minute. " +
			"Names of files are relative to the table, whose first line names the columns; " +
			"others than these three are ignored. An hour of 50 speakers is a good beginning.",
		"Every fifth speaker is held out. What is printed at the end is how well the packaged " +
			"and the adapted model fit the sentences of these: log-likelihood per frame. " +
			"Recordings that cannot be read or do not fit their text are left out and listed.",
		"Example: bedside train recogniser students/table.tsv --out students.model",
	}, "\n\n")
}

// longestSentence is the longest recording to train with.
const longestSentence = time.Minute

// recording is a row of the table.
type recording struct{ audio, speaker, text string }

// Run trains.
func (c trainRecogniserCommand) Run(ctx context.Context, i *invocation) error {
	if c.Workers < 1 || c.Workers > 64 {
		return errors.New("--workers: give 1 to 64")
	}
	recogniser, err := sphinx.New(sphinx.Config{})
	if err != nil {
		return err
	}
	list, err := readRecordings(c.Recordings)
	if err != nil {
		return err
	}
	folder, dictionary := recogniser.Acoustic()
	t := &adapt.Trainer{
		Workers:  min(c.Workers, runtime.GOMAXPROCS(0)),
		Progress: func(message string) { fmt.Fprintln(i.out, message) },
	}
	if t.Packaged, err = acoustic.Read(os.DirFS(folder)); err != nil {
		return err
	}
	if t.Dictionary, err = readDictionaries(dictionary, c.Lexicon); err != nil {
		return err
	}
	err = t.Align(ctx, len(list), func(i int) (adapt.Recording, error) {
		return list[i].read(recogniser)
	})
	if err != nil {
		return err
	}
	for _, why := range t.Skipped() {
		fmt.Fprintln(i.out, "left out:", why)
	}
	m, err := t.Adapt(ctx)
	if err != nil {
		return err
	}
	data, err := adapt.Encode(t.Packaged, m)
	if err != nil {
		return err
	}
	return os.WriteFile(c.Out, data, 0o644)
}

// read reads the audio.
func (r recording) read(recogniser *sphinx.Recogniser) (adapt.Recording, error) {
	out := adapt.Recording{Name: r.audio, Speaker: r.speaker, Words: asr.Words(r.text)}
	f, err := os.Open(r.audio)
	if err != nil {
		return out, err
	}
	defer f.Close()
	samples, err := opus.ReadAudio(f, asr.SampleRate, longestSentence)
	if err == nil {
		out.Cepstra, err = recogniser.Cepstra(samples)
	}
	return out, err
}

func readDictionaries(paths ...string) (acoustic.Dictionary, error) {
	d := acoustic.Dictionary{}
	for _, path := range paths {
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(d.ReadDictionary(f), f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return d, nil
}

// readRecordings reads a table of recordings.
func readRecordings(path string) ([]recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: the first line must name the columns: %w", path, err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[name] = i + 1
	}
	for _, name := range []string{"audio", "speaker", "text"} {
		if column[name] == 0 {
			return nil, fmt.Errorf("%s: the first line names no column %q", path, name)
		}
	}
	var list []recording
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		audio := row[column["audio"]-1]
		if !filepath.IsAbs(audio) {
			audio = filepath.Join(filepath.Dir(path), audio)
		}
		list = append(list, recording{
			audio, cmp.Or(row[column["speaker"]-1], "unknown"), row[column["text"]-1],
		})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no recordings are listed", path)
	}
	return list, nil
}
