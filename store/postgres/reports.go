package postgres

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// maxReport is the largest size of a report's JSON, in bytes before compression.
const maxReport = 64 << 20

// SaveReport saves a report and sets its attempt to reported, in one transaction. It replaces an
// earlier report of the same attempt. When the partner has deleted the account meanwhile, it adds
// a job that removes the recording of the partner's voice instead of keeping it. It returns
// store.ErrNotFound when there is no such attempt, store.ErrState as store.Attempt.Reported does,
// store.ErrInvalid when a number cannot be encoded, and store.ErrLimit when the report is too
// large.
func (db *DB) SaveReport(ctx context.Context, r store.Report) error {
	if !store.IsID(r.AttemptID) {
		return fmt.Errorf("report: its attempt: %w", store.ErrNotFound)
	}
	body, err := packReport(r)
	if err != nil {
		return err
	}
	return db.within(ctx, "report", func(ctx context.Context, q pgx.Tx) error {
		a, err := changeAttempt(ctx, q, db.now(), r.AttemptID, func(a *store.Attempt) error {
			return a.Reported(db.now(), micros(r.StartedAt))
		})
		if err != nil {
			return err
		}
		if err := db.writeReport(ctx, q, r, body); err != nil {
			return err
		}
		return saveResults(ctx, q, a, r.Results)
	})
}

// writeReport writes the rows of a report. The caller has locked its attempt.
func (db *DB) writeReport(ctx context.Context, q pgx.Tx, r store.Report, body []byte) error {
	var left bool
	if err := scanOne(ctx, q, `SELECT partner_left FROM attempts WHERE id = $1`,
		[]any{r.AttemptID}, []any{&left}); err != nil {
		return err
	}
	var removed []string
	if left {
		r.Speakers = slices.Clone(r.Speakers) // the caller keeps its own
		for i := range r.Speakers {
			if s := &r.Speakers[i]; s.Speaker == store.SpeakerPatient && s.Recording != nil {
				removed = append(removed, s.Recording.Key)
				s.Recording = nil
			}
		}
		var err error
		if body, err = packReport(r); err != nil {
			return err
		}
	}
	if _, err := q.Exec(ctx, `INSERT INTO reports (attempt_id, created_at, body)
		VALUES ($1, $2, $3)
		ON CONFLICT (attempt_id) DO UPDATE
		SET created_at = excluded.created_at, body = excluded.body`,
		r.AttemptID, micros(r.CreatedAt), body); err != nil {
		return err
	}
	if err := saveExamPart(ctx, q, r); err != nil {
		return err
	}
	if _, err := q.Exec(ctx, `DELETE FROM recordings WHERE attempt_id = $1`,
		r.AttemptID); err != nil {
		return err
	}
	for _, s := range r.Speakers {
		if s.Recording == nil {
			continue
		}
		if _, err := q.Exec(ctx, `INSERT INTO recordings
			(attempt_id, speaker, key, bytes, duration_s, state)
			VALUES ($1, $2, $3, $4, $5, $6)`,
			r.AttemptID, s.Speaker, s.Recording.Key, s.Recording.Bytes, s.Recording.DurationS,
			cmp.Or(s.Recording.State, store.RecordingKept)); err != nil {
			return err
		}
	}
	if len(removed) == 0 {
		return nil
	}
	return db.insertJobs(ctx, q, []store.Job{store.RemoveFiles{Keys: removed}})
}

// ChangeRecordings runs a rule on each recording of an attempt's report that still exists, and
// saves the results in the report. It returns store.ErrNotFound when there is no report.
func (db *DB) ChangeRecordings(ctx context.Context, attemptID string,
	rule func(store.Speaker, *store.Recording)) error {
	if !store.IsID(attemptID) {
		return fmt.Errorf("report: %w", store.ErrNotFound)
	}
	return db.within(ctx, "report", func(ctx context.Context, q pgx.Tx) error {
		return db.changeRecordings(ctx, q, attemptID, rule)
	})
}

func (db *DB) changeRecordings(ctx context.Context, q pgx.Tx, attemptID string,
	rule func(store.Speaker, *store.Recording)) error {
	// The lock first, as in SaveReport.
	if _, err := changeAttempt(ctx, q, db.now(), attemptID,
		func(*store.Attempt) error { return nil }); err != nil {
		return err
	}
	var packed []byte
	if err := scanOne(ctx, q, `SELECT body FROM reports WHERE attempt_id = $1`, []any{attemptID},
		[]any{&packed}); err != nil {
		return err
	}
	r, err := unpackReport(packed)
	if err != nil {
		return err
	}
	for i := range r.Speakers {
		s := &r.Speakers[i]
		if s.Recording == nil {
			continue
		}
		kept, err := recording(ctx, q, attemptID, s.Speaker)
		if errors.Is(err, pgx.ErrNoRows) { // the speaker has deleted the account
			s.Recording = nil
			continue
		}
		if err != nil {
			return err
		}
		rule(s.Speaker, &kept)
		s.Recording = &kept
	}
	body, err := packReport(r)
	if err != nil {
		return err
	}
	return db.writeReport(ctx, q, r, body)
}

// Report returns an attempt's report, or store.ErrNotFound. Its recordings are those that still
// exist, with their keys.
func (db *DB) Report(ctx context.Context, attemptID string) (r store.Report, err error) {
	packed, err := db.PackedReport(ctx, attemptID)
	if err != nil {
		return r, err
	}
	if r, err = unpackReport(packed); err != nil {
		return r, err
	}
	for i := range r.Speakers {
		if rec := r.Speakers[i].Recording; rec != nil {
			kept, err := db.Recording(ctx, attemptID, r.Speakers[i].Speaker)
			if errors.Is(err, store.ErrNotFound) { // the speaker has deleted the account
				r.Speakers[i].Recording = nil
				continue
			}
			if err != nil {
				return r, err
			}
			*rec = kept
		}
	}
	return r, nil
}

// PackedReport returns an attempt's report as it is stored: gzipped JSON, without the keys of the
// recordings.
func (db *DB) PackedReport(ctx context.Context, attemptID string) (body []byte, err error) {
	if !store.IsID(attemptID) {
		return nil, fmt.Errorf("report: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "report", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT body FROM reports WHERE attempt_id = $1`, []any{attemptID},
			[]any{&body})
	})
	return body, err
}

// AttemptReport returns an attempt and its report as PackedReport does, which is nil when there is
// none. It returns store.ErrNotFound when there is no such attempt.
func (db *DB) AttemptReport(ctx context.Context, attemptID string) (a store.Attempt, body []byte,
	err error) {
	if !store.IsID(attemptID) {
		return a, nil, fmt.Errorf("report: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "report", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+attemptColumns+`, r.body FROM attempts a
			LEFT JOIN reports r ON r.attempt_id = a.id WHERE a.id = $1`, []any{attemptID},
			append(attemptTargets(&a), &body))
	})
	return a, body, err
}

// Recording returns one speaker's recording, or store.ErrNotFound.
func (db *DB) Recording(ctx context.Context, attemptID string,
	speaker store.Speaker) (r store.Recording, err error) {
	if !store.IsID(attemptID) {
		return r, fmt.Errorf("recording: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "recording", func(ctx context.Context, q querier) (err error) {
		r, err = recording(ctx, q, attemptID, speaker)
		return err
	})
	return r, err
}

func recording(ctx context.Context, q querier, attemptID string,
	speaker store.Speaker) (r store.Recording, err error) {
	err = scanOne(ctx, q, `SELECT key, bytes, duration_s, state FROM recordings
		WHERE attempt_id = $1 AND speaker = $2`,
		[]any{attemptID, speaker}, []any{&r.Key, &r.Bytes, &r.DurationS, &r.State})
	return r, err
}

func packReport(r store.Report) ([]byte, error) {
	r.SchemaVersion = store.ReportVersion
	listsNotNull(&r)
	for i := range r.Speakers {
		if rec := r.Speakers[i].Recording; rec != nil && rec.State == "" {
			kept := *rec
			kept.State = store.RecordingKept
			r.Speakers[i].Recording = &kept
		}
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		// for example, a measure that is NaN
		return nil, fmt.Errorf("report: %w: %w", store.ErrInvalid, err)
	}
	if len(body) > maxReport {
		return nil, fmt.Errorf("report: %d bytes, at most %d are permitted: %w", len(body),
			maxReport, store.ErrLimit)
	}
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// listsNotNull replaces nil lists by empty ones, so that readers of the JSON never see null.
func listsNotNull(r *store.Report) {
	r.Speakers = append([]store.SpeakerReport{}, r.Speakers...) // the caller keeps its own
	for i := range r.Speakers {
		s := &r.Speakers[i]
		s.Peaks, s.Interruptions = notNull(s.Peaks), notNull(s.Interruptions)
		a := &s.Analysis
		a.Speech, a.Pauses = notNull(a.Speech), notNull(a.Pauses)
		a.Syllables = notNull(a.Syllables)
		a.Pitch, a.Intensity = notNull(a.Pitch), notNull(a.Intensity)
	}
	r.Turns.Gaps, r.Turns.Overlaps = notNull(r.Turns.Gaps), notNull(r.Turns.Overlaps)
}

func notNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func unpackReport(b []byte) (r store.Report, err error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return r, fmt.Errorf("report: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(z, maxReport))
	if err != nil {
		return r, fmt.Errorf("report: %w", err)
	}
	return store.ParseReport(body)
}
