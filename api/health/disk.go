package health

import (
	"context"
	"fmt"
	"syscall"
)

// minFiles is how many more files a disk must have space for.
const minFiles = 1000

// Disk returns a check that fails when a folder's disk has fewer free bytes, or space for fewer
// files, than a server needs to go on for a while. It notices the full disk before a write fails.
func Disk(name, folder string, minFree int64) Check {
	return Check{Name: name, Run: func(context.Context) error {
		var s syscall.Statfs_t
		if err := syscall.Statfs(folder, &s); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		free := int64(s.Bavail) * int64(s.Bsize)
		if free < minFree {
			return fmt.Errorf("%s has %d MB left, %d are needed: remove files, or lower "+
				"store.min_free_mb", folder, free>>20, minFree>>20)
		}
		// Some file systems make space for files as they need it, and report that there is none.
		if s.Files > 0 && s.Ffree < minFiles && minFree > 0 {
			return fmt.Errorf("%s has space for %d more files, %d are needed", folder, s.Ffree,
				minFiles)
		}
		return nil
	}}
}
