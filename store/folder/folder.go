// Package folder guards the data folder, which holds all state of a server that runs on embedded
// defaults. One server at a time may use it.
package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrInUse is returned by Acquire when another process has the lock.
var ErrInUse = errors.New("in use by another Bedside server")

// Lock keeps a second server out of a data folder. The kernel releases it when the process ends,
// so that a SIGKILL leaves nothing to clean up.
type Lock struct{ file *os.File }

// Acquire creates the folder when it is missing and locks it. The caller closes the lock. When
// another process has the lock, the error names that process.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC,
		0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf(
				"data folder %s is %w (process %s): "+
					"stop that server, or choose another folder with --data",
				dir, ErrInUse, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("data folder %s cannot be locked: %w", dir, err)
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		f.Close()
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return &Lock{file: f}, nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// Close releases the lock.
func (l *Lock) Close() error { return l.file.Close() }

// Recreate creates a folder below the data folder, without the files that an earlier process left
// in it.
func Recreate(dir string) error {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}
