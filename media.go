package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/configs"
	"bedside/sfu"
	"bedside/signaling"
	"bedside/speech"
	"bedside/speech/bus"
	"bedside/speech/tap"
	"bedside/store/blob"
	"bedside/store/folder"
	"bedside/store/presence"

	"github.com/prometheus/client_golang/prometheus"
)

// mediaNode is the part of a process that holds rooms: the hub, and the process as others see it
// in the registry of media nodes.
type mediaNode struct {
	hub      *signaling.Hub
	registry *presence.Node
	// reachable checks the node's UDP port
	reachable func(context.Context) error
}

// openMedia opens the media node and the hub that drives it. The caller announces the node in the
// registry once it listens.
func openMedia(cfg configs.Config, s stores, sessions *auth.Sessions, c *closers,
	log *slog.Logger, reg prometheus.Registerer) (*mediaNode, error) {
	media := cfg.SFU
	media.UDPAddr = cfg.MediaAddress()
	node, err := sfu.NewNode(media, log, reg)
	if err != nil {
		return nil, err
	}
	c.add("media", node.Close)
	registry := s.presence.OpenNode(presence.NodeConfig{
		Endpoint: cfg.Signaling.Endpoint, MaxRooms: cfg.SFU.MaxRooms,
		PerAccount: cfg.Signaling.RoomsPerAccount, PerAddress: cfg.Signaling.RoomsPerAddress,
		Fences: s.db,
	})
	c.add("media registry", func(context.Context) error { return registry.Close() })
	rooms := cfg.Signaling
	rooms.Origins, rooms.Address, rooms.Grace = cfg.OriginHosts(), clientNetwork, cfg.SFU.Grace
	if len(rooms.Origins) == 0 && !cfg.Has("api") {
		log.Warn("the pages of the API process cannot open WebSockets to this media node: " +
			"set BEDSIDE_PUBLIC_URL to its address")
	}
	audio := roomAudio{tap.NewAudio(s.bus, log)}
	hub, err := signaling.NewHub(rooms, node, sessions, s.db, audio, actors{s.bus}, registry,
		s.bus, log, reg)
	if err != nil {
		return nil, err
	}
	c.add("signalling", hub.Close)
	return &mediaNode{hub, registry, node.Reachable}, nil
}

// roomAudio is the bus as signaling.Audio.
type roomAudio struct{ tap.Audio }

// Tap returns the audio's tap as the interface that rooms use.
func (a roomAudio) Tap(attemptID string, startedAt time.Time, fence int64) signaling.Tap {
	return a.Audio.Tap(attemptID, startedAt, fence)
}

// actors are the actors that the bus reaches, as signaling.Patients.
type actors struct{ *bus.Bus }

// LastPatient returns the last snapshot of an attempt's automatic patient.
func (a actors) LastPatient(ctx context.Context,
	attemptID string) (signaling.PatientState, error) {
	last, _, err := a.Bus.LastPatient(ctx, attemptID)
	return signaling.PatientState{State: last.State, HeardTo: last.HeardTo}, err
}

// clientNetwork returns the network that a WebSocket counts for: the client's behind trusted
// proxies.
func clientNetwork(r *http.Request) string {
	if info := httpx.RequestFrom(r.Context()); info != nil {
		return info.Network()
	}
	return r.RemoteAddr
}

// openSpeech starts the speech worker. failed is called when it ends by itself.
func openSpeech(ctx context.Context, cfg configs.Config, s stores, c *closers, log *slog.Logger,
	reg prometheus.Registerer, failed func(error)) error {
	analysis := cfg.Speech
	analysis.SpoolDir = filepath.Join(cfg.Data, "spool")
	if err := folder.Recreate(analysis.SpoolDir); err != nil {
		return err
	}
	recognisers, phones, err := openRecognisers(ctx, cfg, c, log, reg)
	if err != nil {
		return err
	}
	heard := recognisers.Choice()
	log.Info("automatic patients can hear", "recogniser", heard.Name, "why", heard.Why)
	if err := openPatients(cfg, s, recognisers, phones, c, log, reg); err != nil {
		return err
	}
	w, err := speech.NewWorker(analysis, jobSource{s.bus}, s.db, s.db, recordings{s.blob}, s.bus,
		log, reg)
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(running); err != nil {
			failed(fmt.Errorf("speech: %w", err))
		}
	}()
	c.add("speech", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return nil
}

// jobSource is the bus as a speech.Source.
type jobSource struct{ bus *bus.Bus }

// Claim returns the bus's claim. A nil claim becomes a nil interface.
func (s jobSource) Claim(ctx context.Context) (speech.Claim, error) {
	claim, err := s.bus.Claim(ctx)
	if err != nil {
		return nil, err
	}
	return claim, nil
}

// recordings are the files as speech.Recordings.
type recordings struct{ *blob.Store }

// Open opens a file. A nil file becomes a nil interface.
func (r recordings) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	f, err := r.Store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return f, nil
}
