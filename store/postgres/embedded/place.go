package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	port       = "5432" // a name of the socket file only: nothing listens on TCP
	socketFile = ".s.PGSQL." + port
	maxSocket  = 100 // bytes of a Unix socket's path; Linux takes 107, macOS 103
)

// account is whom the server runs as; nil means this process's own user.
type account struct {
	name     string
	uid, gid uint32
}

// place is the cluster's folder: who owns it and by which paths each side reaches it.
type place struct {
	dir   string
	owner *account
	// dir, open; handed to children as descriptor 3 and used for our own paths when dir is too
	// long
	folder *os.File
	byFD   bool // children go by descriptor
}

func newPlace(dir string) (*place, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	owner, err := ownerOf(dir)
	if err != nil {
		return nil, err
	}
	p := &place{dir: dir, owner: owner}
	run := filepath.Join(dir, runName)
	if err := os.Mkdir(run, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	for _, d := range []string{dir, run} {
		if err := p.give(d); err != nil {
			return nil, err
		}
	}
	if p.folder, err = os.Open(dir); err != nil {
		return nil, err
	}
	p.byFD = len(filepath.Join(run, socketFile)) > maxSocket || !p.reachable()
	if p.byFD && !descriptorPaths {
		err := fmt.Errorf(
			"the folder's path is longer than a Unix socket allows, or account %q cannot walk to it: choose another data folder",
			p.ownerName())
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// ownerOf decides whom the server runs as. Under root it is the one who already owns the folder,
// so that a folder first used without root keeps its owner.
func ownerOf(dir string) (*account, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	uid, gid := st.Sys().(*syscall.Stat_t).Uid, st.Sys().(*syscall.Stat_t).Gid
	me := os.Geteuid()
	switch {
	case me != 0 && int(uid) != me:
		return nil, fmt.Errorf("the folder belongs to user id %d: run as that user or as root",
			uid)
	case me != 0:
		return nil, nil
	case uid != 0:
		return &account{name: "user id " + strconv.Itoa(int(uid)), uid: uid, gid: gid}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf(
			"PostgreSQL does not run as root, and there is no account postgres for it (%w): create one with `useradd --system postgres`, or run as an ordinary user",
			err)
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	group, gerr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err, gerr); err != nil {
		return nil, fmt.Errorf("account postgres: %w", err)
	}
	return &account{name: u.Username, uid: uint32(id), gid: uint32(group)}, nil
}

// give hands a file to the server's account.
func (p *place) give(path string) error {
	if p.owner == nil {
		return nil
	}
	return os.Chown(path, int(p.owner.uid), int(p.owner.gid))
}

// reachable tries whether the server's account can walk to the folder, by starting a process of
// that account in it.
func (p *place) reachable() bool {
	if p.owner == nil {
		return true
	}
	cmd := exec.Command("/bin/sh", "-c", ":")
	cmd.Dir = p.dir
	cmd.SysProcAttr = p.attributes()
	return cmd.Run() == nil
}

func (p *place) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true} // the terminal's Ctrl-C is ours to pass on
	if p.owner != nil {
		attr.Credential = &syscall.Credential{Uid: p.owner.uid, Gid: p.owner.gid}
	}
	return attr
}

func (p *place) ownerName() string {
	if p.owner == nil {
		return "of this process"
	}
	return p.owner.name
}

// child is a path below the folder as children see it.
func (p *place) child(name string) string {
	if p.byFD {
		return "/proc/self/fd/3/" + name
	}
	return filepath.Join(p.dir, name)
}

// dial is the socket's folder as this process sees it.
func (p *place) dial() string {
	run := filepath.Join(p.dir, runName)
	if len(filepath.Join(run, socketFile)) <= maxSocket {
		return run
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", p.folder.Fd(), runName)
}

// command is a program of PostgreSQL run as the server's account.
func (p *place) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = p.attributes()
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	for i := 0; i < len(cmd.Env); {
		// PGDATA, PGPORT and the like would be taken as settings
		if strings.HasPrefix(cmd.Env[i], "PG") {
			cmd.Env = append(cmd.Env[:i], cmd.Env[i+1:]...)
			continue
		}
		i++
	}
	if p.byFD {
		cmd.ExtraFiles = []*os.File{p.folder}
	}
	return cmd
}

func (p *place) close() error { return p.folder.Close() }

// quoted escapes a value of a key='value' connection string.
func quoted(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }
