// Package archive runs the jobs about a user's files. One makes an archive: a ZIP file with
// everything stored about the user, which users request in their account. The other removes files
// from the blob store, after an account is deleted or an archive has expired. A job may run more
// than once.
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

// Store reads the data of a user, and saves the progress of an archive. store/postgres implements
// it.
type Store interface {
	SaveExport(ctx context.Context, e store.Export) error
	LastExport(ctx context.Context, userID string) (store.Export, error)
	PersonalReports(ctx context.Context, userID string) (attempts []string, err error)
	PersonalFiles(ctx context.Context, userID string) ([]store.PersonalFile, error)
	Report(ctx context.Context, attemptID string) (store.Report, error)
}

// Files stores files. store/blob implements it.
type Files interface {
	Put(ctx context.Context, key string, r io.Reader, contentType string) (int64, error)
	Delete(ctx context.Context, key string) error
}

// Table reads what one database table has about a user.
type Table struct {
	Name string
	Rows func(ctx context.Context, userID string) ([]string, error) // one JSON object per row
}

// Archivist runs the jobs. It is safe for concurrent use.
type Archivist struct {
	Store  Store
	Files  Files
	Open   func(ctx context.Context, key string) (io.ReadCloser, error)
	Tables []Table
	Log    *slog.Logger
}

const readme = `This is everything that Bedside stores about you.

account/     one JSON file for each kind of record
reports/     the report of each of your role plays
recordings/  their audio (Ogg Opus): candidate.ogg is the candidate, patient.ogg the partner
pictures/    the pictures you uploaded (JPEG), in the largest size that is kept
lines/       the lines of patients you uploaded (Ogg Opus)

account/media.json says which picture and line is which.

Left out is what somebody could sign in with: hashes of passwords and tokens, and the secret of an
authenticator app.
`

// Make makes an archive. It does nothing when the user has requested a newer one meanwhile. It
// returns store.ErrInvalid, so that the job is not retried, when the archive is too large.
func (a *Archivist) Make(ctx context.Context, job store.MakeExport) error {
	e, err := a.Store.LastExport(ctx, job.UserID)
	if err != nil {
		return err
	}
	if e.ID != job.ID || e.State == store.ExportReady {
		return nil // there is a newer one, or this one is ready
	}
	e.State, e.Progress = store.ExportRunning, 0
	if err := a.Store.SaveExport(ctx, e); err != nil {
		return err
	}
	if err := a.write(ctx, &e); err != nil {
		if errors.Is(err, store.ErrLimit) {
			err = fmt.Errorf("%w: %w", store.ErrInvalid, err) // it would be too large again
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

// write writes the file to the blob store while a goroutine of its own fills it.
func (a *Archivist) write(ctx context.Context, e *store.Export) error {
	pieces, err := a.pieces(ctx, e.UserID)
	if err != nil {
		return err
	}
	key := e.Key() // from here on only the goroutine uses e
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
	r.CloseWithError(err) // ends the goroutine if Put failed
	err = errors.Join(err, <-written)
	e.Bytes = n
	return err
}

// piece is one file of an archive.
type piece struct {
	name   string
	stored bool // compressed already, so stored as it is
	write  func(ctx context.Context, w io.Writer) error
}

// pieces lists the files of an archive.
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
		list = append(list, piece{name: f.Name(), stored: true, write: func(ctx context.Context,
			w io.Writer) error {
			return a.copyFile(ctx, w, f.Key)
		}})
	}
	return list, nil
}

// copyFile writes a file of the blob store. It writes nothing when the file does not exist.
func (a *Archivist) copyFile(ctx context.Context, w io.Writer, key string) (err error) {
	r, err := a.Open(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil // it could not be saved, or is being removed
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	_, err = io.Copy(w, r)
	return err
}

// fill writes the pieces, and saves the progress after each.
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

// Remove removes files. It ignores files that do not exist.
func (a *Archivist) Remove(ctx context.Context, job store.RemoveFiles) error {
	var errs []error
	for _, key := range job.Keys {
		errs = append(errs, a.Files.Delete(ctx, key))
	}
	return errors.Join(errs...)
}

// Limit is the time limit of making an archive.
const Limit = 30 * time.Minute
