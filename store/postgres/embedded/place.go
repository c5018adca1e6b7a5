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
	port       = "5432" // only part of the socket's file name: nothing listens on TCP
	socketFile = ".s.PGSQL." + port
	maxSocket  = 100 // bytes of a Unix socket's path; Linux permits 107, macOS 103
)

// account is the user that the server runs as; nil means the user of this process.
type account struct {
	name     string
	uid, gid uint32
}

// place is the folder of the cluster, its owner, and the paths by which this process and the
// server use it.
type place struct {
	dir   string
	owner *account
	// folder is dir as an open file. Children get it as descriptor 3. This process uses it as well
	// when the path is too long.
	folder *os.File
	byFD   bool // children use the descriptor instead of the path
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
		if err := p.chown(d); err != nil {
			return nil, err
		}
	}
	if p.folder, err = os.Open(dir); err != nil {
		return nil, err
	}
	p.byFD = len(filepath.Join(run, socketFile)) > maxSocket || !p.reachable()
	if p.byFD && !descriptorPaths {
		err := fmt.Errorf("the folder's path is longer than a Unix socket permits, or account %q "+
			"may not enter it: choose another data folder", p.ownerName())
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// ownerOf returns the account that the server runs as. When this process is root, that is the
// owner of the folder, so that a folder that was first used without root keeps its owner, or
// "postgres" if root owns it.
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
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no account "+
			"postgres for it (%w): create one with `useradd --system postgres`, or run as an "+
			"ordinary user", err)
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	group, gerr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err, gerr); err != nil {
		return nil, fmt.Errorf("account postgres: %w", err)
	}
	return &account{name: u.Username, uid: uint32(id), gid: uint32(group)}, nil
}

// chown makes the server's account the owner of a file.
func (p *place) chown(path string) error {
	if p.owner == nil {
		return nil
	}
	return os.Chown(path, int(p.owner.uid), int(p.owner.gid))
}

// reachable reports whether the server's account may enter the folder. It tries by starting a
// process of that account in it.
func (p *place) reachable() bool {
	if p.owner == nil {
		return true
	}
	cmd := exec.Command("/bin/sh", "-c", ":")
	cmd.Dir = p.dir
	cmd.SysProcAttr = p.attributes()
	return cmd.Run() == nil
}

// attributes returns how children are started: as the server's account, in a process group.
func (p *place) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must reach this process only
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

// child returns a path below the folder for children to use.
func (p *place) child(name string) string {
	if p.byFD {
		return "/proc/self/fd/3/" + name
	}
	return filepath.Join(p.dir, name)
}

// dial returns the path of the socket's folder for this process to use.
func (p *place) dial() string {
	run := filepath.Join(p.dir, runName)
	if len(filepath.Join(run, socketFile)) <= maxSocket {
		return run
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", p.folder.Fd(), runName)
}

// command returns a command that runs a program as the server's account.
func (p *place) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = p.attributes()
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	for i := 0; i < len(cmd.Env); {
		// PostgreSQL would take PGDATA, PGPORT and others as settings.
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
