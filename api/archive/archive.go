// Package archive makes archives of what is kept of a user, and removes files that nobody may
// keep any more. Its functions are jobs: they may run more than once.
package archive

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"bedside/store"
)

// Store knows what is kept of a user; store/postgres does.
type Store interface {
	SaveExport(ctx context.Context, e store.Export) error
	LastExport(ctx context.Context, userID string) (store.Export, error)
	PersonalReports(ctx context.Context, userID string) (attempts []string, err error)
	PersonalFiles(ctx context.Context, userID string) ([]store.PersonalFile, error)
	Report(ctx context.Context, attemptID string) (store.Report, error)
}

// Files keeps files; store/blob does.
type Files interface {
	Put(ctx context.Context, key string, r io.Reader, contentType string) (int64, error)
	Delete(ctx context.Context, key string) error
}

// Table gives what one table holds of a user, as JSON, a row each.
type Table struct {
	Name string
	Rows func(ctx context.Context, userID string) ([]string, error)
}

// Archivist does the jobs.
type Archivist struct {
	Store  Store
	Files  Files
	Open   func(ctx context.Context, key string) (io.ReadCloser, error)
	Tables []Table
	Log    *slog.Logger
}

const readme = `This is what Bedside keeps of you.

account/     one file a kind of record, as JSON
reports/     the report of each of your role plays
recordings/  their sound (Ogg Opus): candidate.ogg is the candidate's voice, patient.ogg the partner's

What would let somebody sign in as you is left out: hashes of passwords and tokens, and the secret of an authenticator app.
`

// Make makes an archive.
func (a *Archivist) Make(ctx context.Context, job store.MakeExport) error {
	e, err := a.Store.LastExport(ctx, job.UserID)
	if err != nil {
		return err
	}
	if e.ID != job.ID || e.State == store.ExportReady {
		return nil // a newer one was asked for, or this was done before
	}
	e.State, e.Progress = store.ExportRunning, 0
	if err := a.Store.SaveExport(ctx, e); err != nil {
		return err
	}
	if err := a.write(ctx, &e); err != nil {
		if errors.Is(err, store.ErrLimit) {
			err = fmt.Errorf("%w: %w", store.ErrInvalid, err) // it would be as large the next time
		}
		e.State = store.ExportFailed
		return errors.Join(err, a.Store.SaveExport(context.WithoutCancel(ctx), e))
	}
	e.State, e.Progress = store.ExportReady, 1
	if err := a.Store.SaveExport(ctx, e); err != nil {
		if errors.Is(err, store.ErrNotFound) { // the account was deleted meanwhile
			return errors.Join(err, a.Files.Delete(ctx, e.Key()))
		}
		return err
	}
	a.Log.Info("made an archive", "user", e.UserID, "bytes", e.Bytes)
	return nil
}

// write makes the file, piece by piece.
func (a *Archivist) write(ctx context.Context, e *store.Export) error {
	pieces, err := a.pieces(ctx, e.UserID)
	if err != nil {
		return err
	}
	key := e.Key() // from here on e is the writer's
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		z := zip.NewWriter(w)
		err := a.fill(ctx, z, pieces, e)
		if err == nil {
			err = z.Close()
		}
		w.CloseWithError(err)
		written <- err
	}()
	n, err := a.Files.Put(ctx, key, r, "application/zip")
	r.CloseWithError(err) // lets the writer go
	err = errors.Join(err, <-written)
	e.Bytes = n
	return err
}

// piece is one file of an archive.
type piece struct {
	name   string
	stored bool // is compressed already
	write  func(ctx context.Context, w io.Writer) error
}

func (a *Archivist) pieces(ctx context.Context, userID string) ([]piece, error) {
	list := []piece{{name: "README.txt", write: func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, readme)
		return err
	}}}
	for _, t := range a.Tables {
		list = append(list, piece{name: "account/" + t.Name + ".json", write: func(
			ctx context.Context, w io.Writer) error {
			rows, err := t.Rows(ctx, userID)
			if err != nil {
				return err
			}
			return writeRows(w, rows)
		}})
	}
	reports, err := a.Store.PersonalReports(ctx, userID)
	if err != nil {
		return nil, err
	}
	for _, id := range reports {
		list = append(list, piece{name: "reports/" + id + ".json", write: func(ctx context.Context,
			w io.Writer) error {
			r, err := a.Store.Report(ctx, id)
			if err != nil {
				return err
			}
			return json.NewEncoder(w).Encode(r)
		}})
	}
	files, err := a.Store.PersonalFiles(ctx, userID)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		list = append(list, piece{name: fmt.Sprintf("recordings/%s/%s.ogg", f.AttemptID,
			f.Speaker), stored: true, write: func(ctx context.Context, w io.Writer) error {
			return a.copyFile(ctx, w, f.Key)
		}})
	}
	return list, nil
}

func (a *Archivist) copyFile(ctx context.Context, w io.Writer, key string) (err error) {
	r, err := a.Open(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it could not be kept, or is being removed
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	_, err = io.Copy(w, r)
	return err
}

func (a *Archivist) fill(ctx context.Context, z *zip.Writer, pieces []piece,
	e *store.Export) error {
	for i, p := range pieces {
		method := zip.Deflate
		if p.stored {
			method = zip.Store
		}
		w, err := z.CreateHeader(&zip.FileHeader{
			Name: p.name, Method: method, Modified: e.CreatedAt,
		})
		if err != nil {
			return err
		}
		if err := p.write(ctx, w); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		e.Progress = float64(i+1) / float64(len(pieces)+1)
		if err := a.Store.SaveExport(ctx, *e); err != nil {
			return err
		}
	}
	return nil
}

func writeRows(w io.Writer, rows []string) error {
	list := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		list[i] = json.RawMessage(row)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

// Remove removes files. One that is not there is no error.
func (a *Archivist) Remove(ctx context.Context, job store.RemoveFiles) error {
	var errs []error
	for _, key := range job.Keys {
		errs = append(errs, a.Files.Delete(ctx, key))
	}
	return errors.Join(errs...)
}

// Limit is how long making an archive may take.
const Limit = 30 * time.Minute
