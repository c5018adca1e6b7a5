package sherpa

import (
	"fmt"
	"strconv"
	"strings"
)

// checkVersion refuses engines whose C API may be another one.
func checkVersion(version string) error {
	first, last := [3]int{1, 12, 11}, [3]int{1, 14, 0} // last is the first that is unknown
	v, ok := parseVersion(version)
	if !ok || less(v, first) || !less(v, last) {
		return fmt.Errorf("sherpa-onnx %.20q is not a version that is known: install one from "+
			"1.12.11 to 1.13", version)
	}
	return nil
}

func parseVersion(text string) (v [3]int, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != len(v) {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

func less(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
