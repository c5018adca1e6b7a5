package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bedside/store/folder"
)

// Errors of a Store.
var (
	// ErrInstalled is returned by Install when the model is there already.
	ErrInstalled = errors.New("the model is installed")
	// ErrNotInstalled is returned by Remove when the model is not there.
	ErrNotInstalled = errors.New("the model is not installed")
	// ErrChanged is returned by Install when the file is not the one of the release.
	ErrChanged = errors.New("the file is not the one that was released")
	// ErrBusy is returned when another process installs or removes models.
	ErrBusy = errors.New("another process installs or removes models")
)

// Names of files in the folder of a Store.
const (
	about     = "about.json" // in the folder of a model: what it is
	partly    = ".part"      // at the end of what is not downloaded yet
	unpacking = ".unpacking" // at the end of what is not unpacked yet
)

// Store is a folder of models, each in a folder of its name.
type Store struct {
	dir    string
	client *http.Client
	// pause is how long to wait before the download is tried again for the nth time.
	pause func(n int) time.Duration
	free  func(dir string) (int64, error)
}

// Open returns a store in a folder, which Install makes when it is missing.
func Open(dir string) *Store {
	return &Store{
		dir: dir, client: client(), free: freeBytes,
		pause: func(n int) time.Duration { return time.Second << n },
	}
}

// Installed is a model that is there.
type Installed struct {
	Model
	Dir string    `json:"dir"`
	At  time.Time `json:"at"` // when it was installed
}

// List returns the installed models, in the order of their names.
func (s *Store) List() ([]Installed, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Installed
	for _, e := range entries {
		if m, err := read(filepath.Join(s.dir, e.Name())); err == nil {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b Installed) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// read reads what is known of a model in a folder.
func read(dir string) (m Installed, err error) {
	data, err := os.ReadFile(filepath.Join(dir, about))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	m.Dir = dir
	return m, nil
}

// Install downloads and unpacks a model, from its release or, when from is not empty, from another
// address or a file. progress is called with the bytes that are there and all of them. What was
// downloaded when an error occurs is used the next time, but for ErrChanged.
func (s *Store) Install(ctx context.Context, m Model, from string,
	progress func(done, all int64)) (i Installed, err error) {
	dir := filepath.Join(s.dir, m.Name)
	if !filepath.IsLocal(m.Name) || strings.ContainsAny(m.Name, `/\.`) {
		return i, fmt.Errorf("%.40q is no name of a model", m.Name)
	}
	release, err := s.lock()
	if err != nil {
		return i, err
	}
	defer func() { err = errors.Join(err, release()) }()
	if _, err := os.Stat(dir); err == nil {
		return i, ErrInstalled
	}
	if err := s.room(m); err != nil {
		return i, err
	}
	file := dir + partly
	if err := s.fetch(ctx, m, from, file, progress); err != nil {
		return i, err
	}
	if err := check(ctx, m, file); err != nil {
		if errors.Is(err, ErrChanged) {
			err = errors.Join(err, os.Remove(file))
		}
		return i, err
	}
	temporary := dir + unpacking
	if err := os.RemoveAll(temporary); err != nil {
		return i, err
	}
	i = Installed{Model: m, Dir: dir, At: time.Now().UTC().Truncate(time.Second)}
	if err := unpackModel(ctx, i, file, temporary); err != nil {
		return i, errors.Join(fmt.Errorf("unpacking: %w", err), os.RemoveAll(temporary))
	}
	if err := os.Rename(temporary, dir); err != nil {
		return i, err
	}
	return i, os.Remove(file)
}

// unpackModel unpacks a file into a new folder, and writes there what it is.
func unpackModel(ctx context.Context, i Installed, file, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unpack(ctx, f, dir); err != nil {
		return err
	}
	data, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, about), data, 0o644)
}

// Remove deletes an installed model, or what is downloaded of one.
func (s *Store) Remove(name string) (err error) {
	if !filepath.IsLocal(name) || strings.ContainsAny(name, `/\.`) {
		return fmt.Errorf("%.40q is no name of a model", name)
	}
	release, err := s.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	dir := filepath.Join(s.dir, name)
	_, err = read(dir)
	_, partErr := os.Stat(dir + partly)
	if err != nil && partErr != nil {
		return ErrNotInstalled
	}
	if err == nil {
		// It is not half a model at any time.
		if err := os.Rename(dir, dir+unpacking); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(dir+unpacking), os.RemoveAll(dir+partly))
}

// lock keeps other processes from installing and removing.
func (s *Store) lock() (release func() error, err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	l, err := folder.Acquire(s.dir)
	if errors.Is(err, folder.ErrInUse) {
		return nil, ErrBusy
	}
	if err != nil {
		return nil, err
	}
	return l.Close, nil
}

// room returns an error unless the disk has room for a model, packed and unpacked.
func (s *Store) room(m Model) error {
	free, err := s.free(s.dir)
	if err != nil {
		return err
	}
	if need := 4 * m.Size; free < need {
		return fmt.Errorf("the disk has %d MB free, and installing %s takes %d MB for a while",
			free>>20, m.Name, need>>20)
	}
	return nil
}

// freeBytes returns how much room the disk of a folder has.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
