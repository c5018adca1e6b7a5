//go:build unix && !linux

package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// descriptorPaths: there is no /proc to go by.
const descriptorPaths = false

// endWithParent does nothing here: a server that outlives its parent is stopped at the next start.
func endWithParent(*syscall.SysProcAttr) {}

// serves reports whether the process is a PostgreSQL server on the folder, which its command line
// names.
func serves(pid int, dataDir string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres") &&
		strings.Contains(string(out), dataDir)
}
