package services

import "syscall"

// ownGroup puts a child in a process group of its own, and makes the kernel kill it when the
// thread that started it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
