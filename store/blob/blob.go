// Package blob keeps files that are too large for the database: recordings now, media later. Keys
// are slash-separated paths.
package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"bedside/store"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"
)

// Config configures a Store. A zero field means the value in Defaults.
type Config struct {
	URL string `key:"store.blob_url" env:"BEDSIDE_BLOB_URL" doc:"recordings and archives, such as file:///folder; empty: a folder in the data folder" secret:"true"`

	Dir      string // the folder when URL is empty
	MaxBytes int64  // size limit of one file
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{MaxBytes: 256 << 20} }

// Store is safe for concurrent use; whoever opened it closes it.
type Store struct {
	bucket   *blob.Bucket
	maxBytes int64
}

// Open opens the folder, which is made when missing.
func Open(cfg Config) (*Store, error) {
	dir := cfg.Dir
	if cfg.URL != "" {
		u, err := url.Parse(cfg.URL)
		if err != nil || u.Scheme != "file" || u.Path == "" || u.Host != "" {
			return nil, errors.New("the address of the recordings is not of the form file:///folder")
		}
		dir = filepath.FromSlash(u.Path)
	}
	// Temporary files stand beside the final ones: a rename from another file system would fail.
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{CreateDir: true, DirFileMode: 0o700, NoTempDir: true})
	if err != nil {
		return nil, fmt.Errorf("recordings: %w", err)
	}
	return &Store{bucket: bucket, maxBytes: cmp.Or(cfg.MaxBytes, Defaults().MaxBytes)}, nil
}

// WithLimit is the same folder for files of up to so many bytes. Only the first one is closed.
func (s *Store) WithLimit(maxBytes int64) *Store { return &Store{bucket: s.bucket, maxBytes: maxBytes} }

// Close closes the folder.
func (s *Store) Close() error { return s.bucket.Close() }

// Ping reports whether the folder is there.
func (s *Store) Ping(ctx context.Context) error {
	ok, err := s.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = store.ErrUnavailable
	}
	return translate("recordings", err)
}

// Put keeps what r holds under the key, in place of what was there, and gives its length. When r
// fails, or is longer than a file may be (store.ErrLimit), what was there stays.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, contentType string) (n int64, err error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType})
	if err != nil {
		return 0, translate(key, err)
	}
	n, err = io.Copy(w, io.LimitReader(r, s.maxBytes+1))
	if err == nil && n > s.maxBytes {
		err = fmt.Errorf("%s: more than %d bytes: %w", key, s.maxBytes, store.ErrLimit)
	}
	if err != nil {
		abandon() // so that Close throws away what was written
		_ = w.Close()
		return 0, translate(key, err)
	}
	return n, translate(key, w.Close())
}

// Open opens a file for reading and seeking; the caller closes it. store.ErrNotFound: there is
// none.
func (s *Store) Open(ctx context.Context, key string) (*File, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	r, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, translate(key, err)
	}
	return &File{Reader: r}, nil
}

// File is an open file: io.ReadSeekCloser, Size, ModTime and ContentType. It is for one goroutine.
type File struct{ *blob.Reader }

// Delete removes a file; one that is not there is no error.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := s.bucket.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return translate(key, err)
}

// checkKey admits path segments that mean the same on every store.
func checkKey(key string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)
	}
	ok := len(key) <= 500 && !strings.HasSuffix(key, ".attrs") // fileblob's own
	for segment := range strings.SplitSeq(key, "/") {
		ok = ok && segment != "" && segment[0] != '.' && strings.IndexFunc(segment, func(r rune) bool { return !plain(r) }) < 0
	}
	if !ok {
		return fmt.Errorf("file name %q: %w", key, store.ErrInvalid)
	}
	return nil
}

func translate(key string, err error) error {
	if err == nil || errors.Is(err, store.ErrLimit) || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%s: %w", key, store.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", key, err)
}
