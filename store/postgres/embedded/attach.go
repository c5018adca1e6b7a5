package embedded

import (
	"fmt"
	"path/filepath"
)

// Attached is the address of a cluster that another process runs.
type Attached struct{ place *place }

// Attach returns the address of the cluster in a folder whose lock another process holds. It
// neither starts nor stops the server. The caller closes it.
func Attach(dir string) (*Attached, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	p, err := newPlace(dir)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	return &Attached{p}, nil
}

// URL returns the address for pgx.
func (a *Attached) URL() string { return urlOf(a.place, database) }

// Close makes the address invalid.
func (a *Attached) Close() error { return a.place.close() }
