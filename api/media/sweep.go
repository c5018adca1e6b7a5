package media

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"bedside/store"
)

// SweepStore keeps the records of media, for a Sweeper; store/postgres implements it.
type SweepStore interface {
	// RemoveMediaFile calls remove unless a medium has the file, while no upload can write it.
	RemoveMediaFile(ctx context.Context, key string,
		remove func(context.Context) error) (removed bool, err error)
	SweepMedia(ctx context.Context, before time.Time) (int, error)
	AbandonedMediaFiles(ctx context.Context, before time.Time) ([]string, error)
	UnknownMediaFiles(ctx context.Context, keys []string) ([]string, error)
}

// SweepFiles keeps the files, for a Sweeper; store/blob implements it.
type SweepFiles interface {
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string, each func(key string, modified time.Time) error) error
}

// Sweeper removes files of media. It is safe for concurrent use, also beside uploads of the same
// files in other processes.
type Sweeper struct {
	Store SweepStore
	Files SweepFiles
	Clock func() time.Time
	Log   *slog.Logger
}

// Remove removes the files of a job, except those that a medium has. It may run more than once.
func (s *Sweeper) Remove(ctx context.Context, job store.RemoveMedia) error {
	_, err := s.remove(ctx, job.Keys)
	return err
}

func (s *Sweeper) remove(ctx context.Context, keys []string) (n int, err error) {
	var errs []error
	for _, key := range keys {
		removed, err := s.Store.RemoveMediaFile(ctx, key, func(ctx context.Context) error {
			return s.Files.Delete(ctx, key)
		})
		if removed {
			n++
		}
		errs = append(errs, err)
	}
	return n, errors.Join(errs...)
}

// Sweep deletes media that nothing has referred to since they were uploaded a day ago, and removes
// files that no medium has: of uploads that ended halfway, and those whose records are gone.
func (s *Sweeper) Sweep(ctx context.Context) error {
	before := s.Clock().Add(-store.MediaOrphanAge)
	deleted, err := s.Store.SweepMedia(ctx, before)
	errs := []error{err}
	abandoned, err := s.Store.AbandonedMediaFiles(ctx, before)
	errs = append(errs, err)
	removed, err := s.remove(ctx, abandoned)
	errs = append(errs, err)
	unknown, err := s.sweepUnknown(ctx, before)
	errs = append(errs, err)
	if deleted+removed+unknown > 0 {
		s.Log.Info("swept pictures and sounds that nothing uses", "media", deleted, "files",
			removed+unknown)
	}
	return errors.Join(errs...)
}

// sweepUnknown removes files that are older than a time and have no record, as after the database
// was restored from a backup.
func (s *Sweeper) sweepUnknown(ctx context.Context, before time.Time) (n int, err error) {
	const batch = 500
	var keys []string
	check := func() error {
		unknown, err := s.Store.UnknownMediaFiles(ctx, keys)
		keys = keys[:0]
		if err != nil {
			return err
		}
		removed, err := s.remove(ctx, unknown)
		n += removed
		return err
	}
	err = s.Files.List(ctx, store.MediaPrefix(), func(key string, modified time.Time) error {
		if !modified.Before(before) {
			return nil
		}
		if keys = append(keys, key); len(keys) == batch {
			return check()
		}
		return nil
	})
	return n, errors.Join(err, check())
}
