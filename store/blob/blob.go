// Package blob stores files that are too large for the database: recordings and archives. A file
// has a key, a path such as attempts/<attempt>/candidate.ogg. A file is written completely or not
// at all. The files are in a folder or in a bucket of Amazon S3 or of a server with the same
// protocol; the code is the same, over gocloud.dev/blob.
package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Store is an open folder or bucket of files. It is safe for concurrent use. The caller of Open
// closes it.
type Store struct {
	bucket   *blob.Bucket
	maxBytes int64
	remote   bool   // an S3 server
	probe    string // the key that Ping writes; no other process has the same
}

// Open opens the folder, and creates it if it does not exist, or opens the bucket, which must
// exist. It sends nothing to an S3 server; Ping finds out whether the bucket can be used.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	bucket, remote, err := cfg.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("recordings: %w", err)
	}
	return &Store{
		bucket: bucket, maxBytes: cmp.Or(cfg.MaxBytes, Defaults().MaxBytes), remote: remote,
		probe: "ready/" + uuid.NewString(),
	}, nil
}

// WithLimit returns a Store of the same files with another size limit. Close only the first one.
func (s *Store) WithLimit(maxBytes int64) *Store {
	other := *s
	other.maxBytes = maxBytes
	return &other
}

// Close closes the folder or the connections to the bucket. Files that are open stay usable.
func (s *Store) Close() error { return s.bucket.Close() }

// Ping writes a small file and deletes it. It returns an error when either fails, since the folder
// or bucket then takes no recordings.
func (s *Store) Ping(ctx context.Context) error {
	err := s.bucket.WriteAll(ctx, s.probe, []byte("ok"), nil)
	if err == nil {
		err = s.bucket.Delete(ctx, s.probe)
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		// The folder or bucket itself, or the file was removed by a Ping at the same time.
		var ok bool
		if ok, err = s.bucket.IsAccessible(ctx); err == nil && !ok {
			err = store.ErrUnavailable
		}
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
	in := &source{from: r, left: s.maxBytes, failed: func() {}}
	if !s.remote {
		// fileblob keeps what it has when the source fails, unless the context has ended. s3blob
		// discards it, but only while the context has not.
		in.failed = abandon
	}
	err = s.bucket.Upload(ctx, key, in,
		&blob.WriterOptions{ContentType: cmp.Or(contentType, "application/octet-stream")})
	if err = cmp.Or(in.err, err); err != nil {
		return 0, translate(key, err)
	}
	return s.maxBytes - in.left, nil
}

// source is what Put reads from: at most as many bytes as are left.
type source struct {
	from   io.Reader
	left   int64
	failed func() // called before the first error is returned
	err    error  // the first error, of from or store.ErrLimit
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p[:min(int64(len(p)), s.left+1)])
	if int64(n) > s.left {
		n, err = 0, fmt.Errorf("larger than permitted: %w", store.ErrLimit)
	}
	s.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed()
		s.err = err
	}
	return n, err
}

// Open opens a file for reading and seeking. ctx bounds the reads as well. The caller closes the
// file. Open returns store.ErrNotFound when there is no file with the key.
func (s *Store) Open(ctx context.Context, key string) (*File, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	attributes, err := s.bucket.Attributes(ctx, key)
	if err != nil {
		return nil, translate(key, err)
	}
	return &File{ctx: ctx, bucket: s.bucket, key: key, attributes: attributes}, nil
}

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

// List calls each with the key of every file whose key begins with prefix, and with the time of
// its last Put, until each returns an error, which List returns.
func (s *Store) List(ctx context.Context, prefix string,
	each func(key string, modified time.Time) error,
) error {
	list := s.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return translate(prefix, err)
		}
		if err := each(object.Key, object.ModTime); err != nil {
			return err
		}
	}
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
	if err == nil {
		return nil
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%s: %w", key, store.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", key, err)
}
