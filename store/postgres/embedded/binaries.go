package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Binaries is an installed version of PostgreSQL.
type Binaries struct {
	Dir   string // the folder with postgres and initdb
	Major int    // the major version
}

// minMajor is the oldest major version that still receives fixes.
const minMajor = 14

// ErrMissing is returned when no usable PostgreSQL is installed.
var ErrMissing = errors.New("PostgreSQL's server programs are missing: " +
	"install the package postgresql (Debian, Ubuntu: apt-get install postgresql; " +
	"macOS: brew install postgresql@16), or set DATABASE_URL to a server you run")

// Find returns the newest installed PostgreSQL, or ErrMissing.
func Find() (Binaries, error) { return find("", 0) }

// find returns the newest PostgreSQL in dir or, when dir is empty, in the usual places. When major
// is not zero, it returns that version only, because a cluster works with one major version.
func find(dir string, major int) (Binaries, error) {
	var found []Binaries
	for _, d := range candidates(dir) {
		if b, err := inspect(d); err == nil && b.Major >= minMajor {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		return Binaries{}, ErrMissing
	}
	slices.SortStableFunc(found, func(a, b Binaries) int { return b.Major - a.Major })
	if major == 0 {
		return found[0], nil
	}
	for _, b := range found {
		if b.Major == major {
			return b, nil
		}
	}
	return Binaries{}, fmt.Errorf(
		"the cluster was made by PostgreSQL %d, but %d is installed: "+
			"install postgresql-%d, or migrate the data with pg_upgrade",
		major, found[0].Major, major)
}

func candidates(dir string) []string {
	if dir != "" {
		return []string{dir}
	}
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", // Debian; Red Hat
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		matches, _ := filepath.Glob(pattern) // fails only for a bad pattern
		dirs = append(dirs, matches...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs
}

// inspect reads the version of the postgres in dir. It fails when there is no initdb.
func inspect(dir string) (Binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return Binaries{}, err
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, err
	}
	words := strings.Fields(string(out)) // postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)
	if len(words) < 3 {
		return Binaries{}, fmt.Errorf("%s: unknown version %q", dir, out)
	}
	return Binaries{Dir: dir, Major: majorOf(words[2])}, nil
}

// majorOf returns the number at the beginning of a version, or 0.
func majorOf(version string) int {
	digits := strings.TrimSpace(version)
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
