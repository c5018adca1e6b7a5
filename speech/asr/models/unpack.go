package models

import (
	"archive/tar"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Limits of an archive.
const (
	maxUnpacked = 3 << 30 // bytes
	maxEntries  = 1000
)

// unpack writes the files of a model from an archive (tar, bzip2) into a folder: networks, tokens
// and texts about them, without the archive's own folders. What else is there is skipped.
func unpack(ctx context.Context, r io.Reader, dir string) error {
	return unpackTar(tar.NewReader(bzip2.NewReader(reader{ctx, r})), dir)
}

func unpackTar(archive *tar.Reader, dir string) error {
	var written int64
	for n := 0; ; n++ {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n == maxEntries {
			return fmt.Errorf("the archive has more than %d entries", maxEntries)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) {
			return fmt.Errorf("the archive has %.80q, which is no file in it", h.Name)
		}
		if written += h.Size; written > maxUnpacked {
			return fmt.Errorf("the archive has more than %d bytes", maxUnpacked)
		}
		if name := path.Base(h.Name); wanted(h.Name) {
			if err := write(filepath.Join(dir, name), archive); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "tokens.txt")); err != nil {
		return errors.New("the archive has no tokens.txt")
	}
	return nil
}

// wanted reports whether a file of an archive belongs to the model: it is in its only folder and
// has one of the known names.
func wanted(name string) bool {
	base := path.Base(name)
	if strings.Count(path.Clean(name), "/") > 1 {
		return false
	}
	return strings.HasSuffix(base, ".onnx") || base == "tokens.txt" || base == "bpe.model" ||
		base == "bpe.vocab" || strings.HasPrefix(base, "README") ||
		strings.HasPrefix(base, "LICENSE")
}

// write writes a new file. It is an error when there is one of the name.
func write(path string, r io.Reader) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, r)
	return err
}
