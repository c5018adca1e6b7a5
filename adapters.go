package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"bedside/api/archive"
	"bedside/api/httpx"
	"bedside/sfu"
	"bedside/speech"
	"bedside/speech/bus"
	"bedside/store"
	"bedside/store/postgres"
)

// claims makes the bus a source of attempts.
type claims struct{ bus *bus.Bus }

func (c claims) Claim(ctx context.Context) (speech.Claim, error) {
	claim, err := c.bus.Claim(ctx)
	if err != nil {
		return nil, err // not claim: a nil *bus.Claim in the interface would not be nil
	}
	return claim, nil
}

// audio takes a room's tracks to the bus.
type audio struct {
	*bus.Bus
	log *slog.Logger
}

func (a audio) Tap(attemptID string, startedAt time.Time) sfu.Tap {
	return tap{a, startedAt}
}

type tap struct {
	audio
	startedAt time.Time
}

// Sink listens to the two who speak; observers are never recorded.
func (t tap) Sink(room, participant string) sfu.Sink {
	if participant != string(store.SpeakerCandidate) &&
		participant != string(store.SpeakerPatient) {
		return nil
	}
	w, err := t.Writer(room, participant, t.startedAt)
	if err != nil {
		t.log.Error("a track is not recorded", "room", room, "participant", participant, "error",
			err)
		return nil
	}
	return sink{w}
}

// sink puts a track's packets into the log.
type sink struct{ *bus.Writer }

func (s sink) WriteRTP(p *sfu.Packet) {
	if len(p.Payload) > 0 {
		s.Write(p.Sequence, p.Timestamp, p.Arrival, p.Payload)
	}
}

// Close has nothing to do: the log learns of the end from Finish.
func (s sink) Close() {}

// recording opens a kept recording for the API.
func (a *App) recording(ctx context.Context, key string) (httpx.File, error) {
	f, err := a.blob.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// emptied makes a folder, without what a process that was killed has left in it.
func emptied(dir string) (string, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return dir, nil
}

// clientNetwork gives the address that a WebSocket counts for, behind the trusted proxies.
func clientNetwork(r *http.Request) string {
	if info := httpx.RequestFrom(r.Context()); info != nil {
		return info.Network()
	}
	return r.RemoteAddr
}

// maxArchive bounds an archive: years of recordings.
const maxArchive = 16 << 30

// archivist makes archives of accounts from the database and the files.
func (a *App) archivist() *archive.Archivist {
	var tables []archive.Table
	for _, p := range postgres.PersonalTables() {
		if p.Where != "" {
			tables = append(tables, archive.Table{Name: p.Table, Rows: func(ctx context.Context,
				userID string) ([]string, error) {
				return a.db.PersonalRows(ctx, p, userID)
			}})
		}
	}
	open := func(ctx context.Context,
		key string) (io.ReadCloser, error) {
		return a.blob.Open(ctx, key)
	}
	return &archive.Archivist{
		Store: a.db, Files: a.blob.WithLimit(maxArchive), Open: open, Tables: tables, Log: a.log,
	}
}
