// Package blob stores files that are too large for the database: recordings and archives. A file
// has a key, a path such as attempts/<attempt>/candidate.ogg. A file is written completely or not
// at all. The files are in a folder; gocloud.dev/blob, which this package uses, also has drivers
// for S3 and other object stores.
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

// Store is an open folder of files. It is safe for concurrent use. The caller of Open closes it.
type Store struct {
	bucket   *blob.Bucket
	maxBytes int64
}

// Open opens the folder, and creates it if it does not exist.
func Open(cfg Config) (*Store, error) {
	dir := cfg.Dir
	if cfg.URL != "" {
		u, err := url.Parse(cfg.URL)
		if err != nil || u.Scheme != "file" || u.Path == "" || u.Host != "" {
			return nil, errors.New(
				"the address of the recordings is not of the form file:///folder")
		}
		dir = filepath.FromSlash(u.Path)
	}
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700,
		NoTempDir: true, // a temporary file on another file system could not be renamed
	})
	if err != nil {
		return nil, fmt.Errorf("recordings: %w", err)
	}
	return &Store{bucket: bucket, maxBytes: cmp.Or(cfg.MaxBytes, Defaults().MaxBytes)}, nil
}

// WithLimit returns a Store of the same folder with another size limit. Close only the first one.
func (s *Store) WithLimit(maxBytes int64) *Store {
	return &Store{bucket: s.bucket, maxBytes: maxBytes}
}

// Close closes the folder.
func (s *Store) Close() error { return s.bucket.Close() }

// Ping returns store.ErrUnavailable when the folder cannot be used.
func (s *Store) Ping(ctx context.Context) error {
	ok, err := s.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = store.ErrUnavailable
	}
	return translate("recordings", err)
}

// Put writes everything that r returns to a file, over an earlier file with the same key, and
// returns its length. When r returns an error, Put returns it and keeps the earlier file. It
// returns store.ErrLimit, and keeps the earlier file, when r is longer than the size limit, and
// store.ErrInvalid when the key is not valid.
func (s *Store) Put(ctx context.Context, key string, r io.Reader,
	contentType string) (n int64, err error) {
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
		abandon() // makes Close discard what was written
		_ = w.Close()
		return 0, translate(key, err)
	}
	return n, translate(key, w.Close())
}

// Open opens a file for reading and seeking. The caller closes it. Open returns store.ErrNotFound
// when there is no file with the key.
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

// File is an open file, with Read, Seek, Close, Size, ModTime and ContentType. Only one goroutine
// may use it.
type File struct{ *blob.Reader }

// Delete removes a file. It returns nil when there is no file with the key.
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

// checkKey returns store.ErrInvalid for keys that not every kind of store would accept.
func checkKey(key string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("_.-", r)
	}
	ok := len(key) <= 500 && !strings.HasSuffix(key, ".attrs") // fileblob uses this suffix
	for segment := range strings.SplitSeq(key, "/") {
		ok = ok && segment != "" && segment[0] != '.' &&
			strings.IndexFunc(segment, func(r rune) bool { return !plain(r) }) < 0
	}
	if !ok {
		return fmt.Errorf("file name %q: %w", key, store.ErrInvalid)
	}
	return nil
}

// translate wraps an error of gocloud.dev in the sentinel error that it corresponds to.
func translate(key string, err error) error {
	if err == nil || errors.Is(err, store.ErrLimit) || errors.Is(err, store.ErrUnavailable) {
		return err
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%s: %w", key, store.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", key, err)
}
