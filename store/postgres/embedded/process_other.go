//go:build unix && !linux

package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// descriptorPaths is false because there is no /proc.
const descriptorPaths = false

// endWithParent does nothing: a server that outlives its parent is stopped at the next start.
func endWithParent(*syscall.SysProcAttr) {}

// serves reports whether the process is a PostgreSQL server of the folder, by its command line.
func serves(pid int, dataDir string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres") &&
		strings.Contains(string(out), dataDir)
}
