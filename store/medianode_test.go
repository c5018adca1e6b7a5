package store

import (
	"errors"
	"testing"
)

func TestLeastLoaded(t *testing.T) {
	node := func(id string, rooms, most int, draining bool) MediaNode {
		return MediaNode{ID: id, Rooms: rooms, MaxRooms: most, Draining: draining}
	}
	for name, tc := range map[string]struct {
		nodes []MediaNode
		want  string // empty: ErrNoNode
	}{
		"none":          {nil, ""},
		"one":           {[]MediaNode{node("a", 3, 10, false)}, "a"},
		"fewer rooms":   {[]MediaNode{node("a", 3, 10, false), node("b", 2, 10, false)}, "b"},
		"a larger node": {[]MediaNode{node("a", 3, 10, false), node("b", 5, 100, false)}, "b"},
		"equal: the first": {
			[]MediaNode{node("a", 1, 10, false), node("b", 1, 10, false)}, "a",
		},
		"draining": {[]MediaNode{node("a", 0, 10, true), node("b", 9, 10, false)}, "b"},
		"full":     {[]MediaNode{node("a", 1, 1, false), node("b", 9, 10, false)}, "b"},
		"all full or draining": {
			[]MediaNode{node("a", 10, 10, false), node("b", 0, 10, true)}, "",
		},
		"without room for any": {[]MediaNode{{ID: "a"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := LeastLoaded(tc.nodes)
			if got.ID != tc.want || (tc.want == "") != errors.Is(err, ErrNoNode) {
				t.Errorf("got %q, %v; want %q", got.ID, err, tc.want)
			}
		})
	}
}
