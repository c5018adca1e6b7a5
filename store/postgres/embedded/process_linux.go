package embedded

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// descriptorPaths says that /proc/self/fd/N/name is a file in the open folder N.
const descriptorPaths = true

// endWithParent makes the kernel stop the server, in an orderly way, when the thread that started
// it ends.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = fast }

// serves reports whether the process is a PostgreSQL server of the folder, by its working
// directory.
func serves(pid int, dataDir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	data, err := os.Stat(dataDir)
	return err == nil && os.SameFile(cwd, data)
}
