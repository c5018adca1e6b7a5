package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"bedside/configs"
	"bedside/speech/actor"
	"bedside/speech/asr"
	"bedside/speech/asr/chain"
	"bedside/speech/bus"
	"bedside/speech/chat"
	"bedside/speech/part"
	"bedside/speech/patient"
	"bedside/speech/realtime"
	"bedside/store"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// openPatients starts to play automatic patients. phones returns the pronunciation of words.
func openPatients(cfg configs.Config, s stores, recognisers *chain.Chain,
	phones func(string) []string, c *closers, log *slog.Logger,
	reg prometheus.Registerer) error {
	voices, err := openVoices(cfg, s, c, log, reg)
	if err != nil {
		return err
	}
	words, err := chat.New(cfg.Chat, log, reg)
	if err != nil {
		return err
	}
	c.add("chat", func(context.Context) error {
		words.Close()
		return nil
	})
	model, err := realtime.New(cfg.Realtime, log, reg)
	if err != nil {
		return err
	}
	c.add("realtime", func(context.Context) error {
		model.Close()
		return nil
	})
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	name := workerName(host)
	company, err := actor.NewCompany(cfg.Patients, name, actor.Ensemble{
		Theatre: theatre{s.bus}, Scripts: newScripts(s.db, phones), Recogniser: recognisers,
		Hears: recognisers.Choice, Voices: voices, Chat: words, Speakers: speakers{s.db},
		Model: improviser{model},
	}, log, reg)
	if err != nil {
		return err
	}
	stop, err := s.bus.ServeStage(name, company)
	if err != nil {
		company.Close()
		return err
	}
	c.add("patients", func(context.Context) error {
		stop()
		company.Close()
		return nil
	})
	return nil
}

// workerName returns a name that no other process has, in which one recognises the host.
func workerName(host string) string {
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, host)
	return host[:min(len(host), 40)] + "-" + strings.ToLower(rand.Text()[:8])
}

// theatre is the bus as actor.Theatre.
type theatre struct{ bus *bus.Bus }

// Join opens the link between an actor and its room.
func (t theatre) Join(attempt string, told func(part.Told) *part.Reply) (actor.Link, error) {
	link, err := t.bus.JoinPlay(attempt, told)
	if err != nil {
		return nil, err
	}
	return link, nil
}

// Follow opens an attempt's log.
func (t theatre) Follow(attempt string) (actor.Audio, error) {
	log, err := t.bus.Follow(attempt)
	if err != nil {
		return nil, err
	}
	return log, nil
}

// speakers are the users' hearings as actor.Speakers.
type speakers struct {
	hearings interface {
		HearingOf(ctx context.Context, userID string) (store.Hearing, error)
	}
}

// Speaker returns what is known of a user's voice: nothing when no sentences were read.
func (s speakers) Speaker(ctx context.Context, userID string) (asr.Speaker, error) {
	h, err := s.hearings.HearingOf(ctx, userID)
	if errors.Is(err, store.ErrNotFound) {
		return asr.Speaker{}, nil
	}
	return asr.Speaker{Model: h.Model, Mean: h.Mean}, err
}

// improviser is a realtime client as actor.Model.
type improviser struct{ *realtime.Client }

// Open begins a session.
func (m improviser) Open(ctx context.Context, scene realtime.Scene) actor.Session {
	return improvised{m.Client.Open(ctx, scene)}
}

// improvised is a realtime session as actor.Session.
type improvised struct{ *realtime.Session }

// Answer ends the candidate's turn and asks for a reply.
func (s improvised) Answer(t chat.Turn) actor.Reply { return s.Session.Answer(t) }

// maxScripts is how many dialogues are kept. Each takes a few megabytes.
const maxScripts = 40

// scripts makes dialogues of scenarios, as actor.Scripts. Training one takes a moment, so it keeps
// them: a version of a scenario does not change.
type scripts struct {
	scenarios library
	phones    func(string) []string
	flights   singleflight.Group

	mu   sync.Mutex
	kept map[string]script // guarded by mu
}

// library has every version of a scenario.
type library interface {
	LibraryScenario(ctx context.Context, ref string, version int) (store.ScenarioEntry,
		store.Scenario, error)
}

type script struct {
	scenario store.Scenario
	dialogue *patient.Dialogue
}

func newScripts(scenarios library, phones func(string) []string) *scripts {
	return &scripts{scenarios: scenarios, phones: phones, kept: map[string]script{}}
}

// Script returns a version of a scenario and its dialogue.
func (s *scripts) Script(ctx context.Context, ref string, version int) (store.Scenario,
	*patient.Dialogue, error) {
	key := fmt.Sprintf("%s %d", ref, version)
	s.mu.Lock()
	known, ok := s.kept[key]
	s.mu.Unlock()
	if ok {
		return known.scenario, known.dialogue, nil
	}
	flight := s.flights.DoChan(key, func() (any, error) {
		return s.train(context.WithoutCancel(ctx), key, ref, version)
	})
	select {
	case r := <-flight:
		made, _ := r.Val.(script)
		return made.scenario, made.dialogue, r.Err
	case <-ctx.Done():
		return store.Scenario{}, nil, context.Cause(ctx)
	}
}

func (s *scripts) train(ctx context.Context, key, ref string, version int) (script, error) {
	_, scenario, err := s.scenarios.LibraryScenario(ctx, ref, version)
	if err != nil {
		return script{}, err
	}
	dialogue, err := patient.New(scenario, s.phones)
	if err != nil {
		return script{}, err
	}
	made := script{scenario, dialogue}
	s.mu.Lock()
	defer s.mu.Unlock()
	for old := range s.kept {
		if len(s.kept) < maxScripts {
			break
		}
		delete(s.kept, old) // any one will do
	}
	s.kept[key] = made
	return made, nil
}
