//go:build !linux

package evaluation

import (
	"testing"
	"time"
)

// threadCPU is not available on this system.
func threadCPU(*testing.T) time.Duration { return 0 }
