package store

import "testing"

func TestIsID(t *testing.T) {
	const id = "0190d2a0-0000-7000-8000-00000000beef"
	for s, want := range map[string]bool{
		id: true, "": false, "urn:uuid:" + id: false, "{" + id + "}": false,
		"0190D2A0-0000-7000-8000-00000000BEEF": false, "0190d2a000007000800000000000beef": false,
		id + "0": false, " " + id[1:]: false, "0190d2a0-0000-7000-8000_00000000beef": false,
		"g190d2a0-0000-7000-8000-00000000beef": false,
	} {
		if got := IsID(s); got != want {
			t.Errorf("IsID(%q) = %v", s, got)
		}
	}
}
