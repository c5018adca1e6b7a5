package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"bedside/configs/cluster/faults"
	"bedside/store"
)

// TestFaults is the fault suite: real processes break in every way that the table names, while
// headless clients speak, and no frame of theirs is unaccounted for. `make faults` runs it; the
// environment variable FAULTS chooses the short form, which is part of CI, or the long one.
// FAULTS_SEED repeats a run with the same times of the kills.
func TestFaults(t *testing.T) {
	form := os.Getenv("FAULTS")
	if form != "short" && form != "long" {
		t.Skip("it is run by make faults")
	}
	s := &faultSuite{long: form == "long", seed: 8}
	if text := os.Getenv("FAULTS_SEED"); text != "" {
		var err error
		if s.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	s.said = map[store.Speaker]string{
		store.SpeakerCandidate: spoken(t, "en-gb", 20*time.Second),
		store.SpeakerPatient:   spoken(t, "en-us+f3", 20*time.Second),
	}
	var table faults.Table
	t.Run("rows", func(t *testing.T) {
		for _, row := range s.rows() {
			t.Run(row.fault, func(t *testing.T) {
				t.Parallel()
				result := faults.Row{Fault: row.fault, Outcome: "failed"}
				defer func() {
					if !t.Skipped() {
						table.Add(result)
					}
				}()
				row.run(t, &result)
				if err := result.Frames.Check(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					result.Outcome = "failed"
				}
			})
		}
	})
	var out bytes.Buffer
	if err := table.Print(io.MultiWriter(&out, os.Stdout)); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("FAULTS_OUT"); path != "" {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// faultSuite is a run of the suite.
type faultSuite struct {
	long bool
	seed uint64
	said map[store.Speaker]string // audio files
}

// faultRow is a row of the table. run fills in its result.
type faultRow struct {
	fault string
	run   func(t *testing.T, r *faults.Row)
}

// pick returns a number for the short form or another for the long one.
func (s *faultSuite) pick(short, long int) int {
	if s.long {
		return long
	}
	return short
}

func (s *faultSuite) rows() []faultRow {
	rows := []faultRow{
		{"20 graceful restarts of the speech process", s.speechRestarts},
		{"the speech process killed", s.speechKills},
		{"NATS down", s.natsOutage},
		{"PostgreSQL down", s.databaseOutage},
		{"Redis down", s.redisOutage},
		{"the streams of NATS deleted", s.streamsDeleted},
		{"the recordings' folder refuses files", s.recordingsRefused},
		{"the disk full", s.diskFull},
		{"a media node killed, beside another one", s.nodeDeaths},
		{"a media node stopped, beside another one", s.nodeDrains},
	}
	for group := range s.pick(1, 4) {
		rows = append(rows, faultRow{
			fmt.Sprintf("the media process killed at random, group %d", group+1),
			func(t *testing.T, r *faults.Row) { s.mediaKills(t, r, uint64(group)) },
		})
	}
	return rows
}
