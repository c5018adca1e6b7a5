package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"bedside/configs"
	"bedside/speech/asr"
	"bedside/speech/asr/browser"
	"bedside/speech/asr/chain"
	"bedside/speech/asr/openai"
	"bedside/speech/asr/sherpa"
	"bedside/speech/asr/sphinx"

	"github.com/prometheus/client_golang/prometheus"
)

// openRecognisers opens the recognisers that hear candidates for automatic patients. phones
// returns the pronunciation of a word, or nil.
func openRecognisers(ctx context.Context, cfg configs.Config, c *closers, log *slog.Logger,
	reg prometheus.Registerer) (recognisers *chain.Chain, phones func(string) []string,
	err error) {
	links := findRecognisers(ctx, cfg)
	phones = func(string) []string { return nil }
	for _, l := range links {
		if p, ok := l.Recogniser.(interface{ Phones(string) []string }); ok {
			phones = p.Phones
		}
	}
	if recognisers, err = chain.New(links, log, reg); err != nil {
		return nil, nil, err
	}
	c.add("recognisers", func(context.Context) error {
		recognisers.Close()
		return nil
	})
	return recognisers, phones, nil
}

// findRecognisers looks for recognisers, the best one first, without sending anything anywhere. It
// takes some seconds when there is a model for sherpa-onnx.
func findRecognisers(ctx context.Context, cfg configs.Config) []chain.Link {
	api, err := openai.New(cfg.Hearing)
	links := []chain.Link{link("api", api, err)}
	neural, err := findSherpa(ctx, cfg)
	links = append(links, link("sherpa-onnx", neural, err))
	links = append(links, chain.Link{
		Name: "browser", Recogniser: browser.Recogniser{}, Own: true,
	})
	pocketsphinx, err := sphinx.New(cfg.Sphinx)
	return append(links, link("pocketsphinx", pocketsphinx, err))
}

// modelFolder returns the folder of the models that are installed.
func modelFolder(cfg configs.Config) string { return filepath.Join(cfg.Data, "models") }

// findSherpa tries the engine and the model of sherpa-onnx in a process of their own.
func findSherpa(ctx context.Context, cfg configs.Config) (*sherpa.Recogniser, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := cfg.Sherpa
	c.Installed, c.Try = modelFolder(cfg), []string{program, "try-sherpa"}
	return sherpa.New(ctx, c)
}

// sherpaTrial is the process of findSherpa.
type sherpaTrial struct {
	Library string `arg:"" help:"The engine."`
	Model   string `arg:"" help:"Folder of the model."`
}

// Run tries a model. The engine may end the process.
func (c sherpaTrial) Run(i *invocation) error { return sherpa.Try(i.out, c.Library, c.Model) }

// link makes a recogniser, or the reason why it is missing, a link of the chain.
func link(name string, r asr.Recogniser, err error) chain.Link {
	if err != nil {
		return chain.Link{Name: name, Err: err}
	}
	return chain.Link{Name: name, Recogniser: r}
}

// describeRecogniser returns what is known of a recogniser.
func describeRecogniser(l chain.Link) string {
	switch r := l.Recogniser.(type) {
	case nil:
		return l.Name + ": " + l.Err.Error()
	case *sherpa.Recogniser:
		model, tried := r.Model()
		return fmt.Sprintf("%s %s: the model %s, loaded in %.1f s, takes %.2f s for a second",
			l.Name, tried.Version, model, tried.Load, tried.Cost)
	case browser.Recogniser:
		return l.Name + ": when a candidate's browser has one and the candidate agrees"
	}
	return l.Name
}
