package embedded

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// descriptorPaths: /proc/self/fd/N/name leads below an open folder without walking to it.
const descriptorPaths = true

// endWithParent has the kernel stop the server cleanly when the thread that started it ends.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = fast }

// serves reports whether the process is a PostgreSQL server on the folder: that is where it works.
func serves(pid int, dataDir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	data, err := os.Stat(dataDir)
	return err == nil && os.SameFile(cwd, data)
}
