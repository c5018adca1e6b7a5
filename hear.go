package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"bedside/configs"
	"bedside/speech/asr"
	"bedside/speech/asr/sphinx"
	"bedside/speech/opus"
	"bedside/speech/patient"
)

type hearCommand struct {
	Scenario   string   `required:"" help:"Slug of a scenario that is part of the program, or a YAML file." placeholder:"SLUG|FILE"`
	Recogniser string   `help:"What hears: pocketsphinx, sherpa-onnx or api (see bedside doctor). With api, the audio is sent to the address in speech.hearing_url." default:"pocketsphinx" enum:"pocketsphinx,sherpa-onnx,api"`
	Config     string   `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Files      []string `arg:"" name:"audio" help:"WAV or Ogg Opus files, each with one turn of the candidate."`
	JSON       bool     `help:"Print each file as a line of JSON." name:"json"`
}

// Help describes the output.
func (hearCommand) Help() string {
	return strings.Join([]string{
		"Prints what the automatic patient would have heard and understood of each file: the " +
			"words with their times and confidence, the likeliest intents, the outcome (answer, " +
			"confirm or repair), and what the patient says. Every file is heard at the beginning " +
			"of a conversation of its own.",
		"Example: bedside hear --scenario nursing-insulin-at-home question.wav",
	}, "\n\n")
}

// longestTurn is the longest audio of a turn.
const longestTurn = 5 * time.Minute

// heardFile is a file as --json prints it.
type heardFile struct {
	File       string     `json:"file"`
	Recogniser string     `json:"recogniser"`
	Words      []asr.Word `json:"words"`
	patient.Decision
}

// Run hears each file.
func (c hearCommand) Run(ctx context.Context, i *invocation) error {
	cfg, err := i.settings(c.Config, nil)
	if err != nil {
		return err
	}
	recogniser, err := pickRecogniser(ctx, cfg, c.Recogniser)
	if err != nil {
		return err
	}
	pronounce, err := sphinx.New(cfg.Sphinx)
	if err != nil {
		return err
	}
	d, err := openDialogue(c.Scenario, pronounce.Phones)
	if err != nil {
		return err
	}
	for _, name := range c.Files {
		result, err := recogniseFile(ctx, recogniser, d, name)
		if err != nil {
			return err
		}
		h := heardFile{File: name, Recogniser: recogniser.Name(), Words: result.Words}
		if n := len(result.Words); n > 0 {
			h.Decision = d.Hear(d.Begin(), patient.Utterance{
				From: result.Words[0].From, To: result.Words[n-1].To, Best: result.Best,
				Sure: result.Sure(),
			}, patient.DefaultThresholds())
		}
		if c.JSON {
			err = json.NewEncoder(i.out).Encode(h)
		} else {
			_, err = fmt.Fprintf(i.out, "%s: %s\n%s", name, spell(result.Words),
				describeTurn(typedTurn{At: end(result.Words), Decision: h.Decision}))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pickRecogniser returns the recogniser with a name, or why it is missing.
func pickRecogniser(ctx context.Context, cfg configs.Config, name string) (asr.Recogniser, error) {
	for _, l := range findRecognisers(ctx, cfg) {
		switch {
		case l.Name != name:
		case l.Err != nil:
			return nil, fmt.Errorf("%s cannot hear: %w", name, l.Err)
		default:
			return l.Recogniser, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no recogniser %q", configs.ErrFlags, name)
}

// spell returns words as text, or says that there are none.
func spell(words []asr.Word) string {
	if len(words) == 0 {
		return "nothing was heard"
	}
	var texts []string
	for _, w := range words {
		texts = append(texts, w.Text)
	}
	return strings.Join(texts, " ")
}

func end(words []asr.Word) float64 {
	if len(words) == 0 {
		return 0
	}
	return words[len(words)-1].To
}

// recogniseFile recognises a file as one utterance.
func recogniseFile(ctx context.Context, r asr.Recogniser, d *patient.Dialogue,
	name string) (result asr.Result, err error) {
	f, err := os.Open(name)
	if err != nil {
		return result, err
	}
	defer f.Close()
	samples, err := opus.ReadAudio(f, asr.SampleRate, longestTurn)
	if err != nil {
		return result, fmt.Errorf("%s: %w", name, err)
	}
	s, err := r.Open(ctx, asr.Context{Texts: d.Texts(), Say: d.Say()})
	if err != nil {
		return result, err
	}
	defer s.Close()
	if err = s.Write(samples); err == nil {
		result, err = s.End()
	}
	if err != nil {
		return result, fmt.Errorf("%s: %w", name, err)
	}
	return result, nil
}
