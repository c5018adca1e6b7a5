package main

import (
	"context"
	"log/slog"

	"bedside/configs"
	"bedside/speech/asr"
	"bedside/speech/asr/browser"
	"bedside/speech/asr/chain"
	"bedside/speech/asr/openai"
	"bedside/speech/asr/sphinx"

	"github.com/prometheus/client_golang/prometheus"
)

// openRecognisers opens the recognisers that hear candidates for automatic patients.
func openRecognisers(cfg configs.Config, c *closers, log *slog.Logger,
	reg prometheus.Registerer) (*chain.Chain, error) {
	recognisers, err := chain.New(findRecognisers(cfg), log, reg)
	if err != nil {
		return nil, err
	}
	c.add("recognisers", func(context.Context) error {
		recognisers.Close()
		return nil
	})
	return recognisers, nil
}

// findRecognisers looks for recognisers, the best one first, without sending anything anywhere.
func findRecognisers(cfg configs.Config) []chain.Link {
	api, err := openai.New(cfg.Hearing)
	links := []chain.Link{link("api", api, err)}
	links = append(links, chain.Link{
		Name: "browser", Recogniser: browser.Recogniser{}, Own: true,
	})
	pocketsphinx, err := sphinx.New(sphinx.Config{})
	return append(links, link("pocketsphinx", pocketsphinx, err))
}

// link makes a recogniser, or the reason why it is missing, a link of the chain.
func link(name string, r asr.Recogniser, err error) chain.Link {
	if err != nil {
		return chain.Link{Name: name, Err: err}
	}
	return chain.Link{Name: name, Recogniser: r}
}
