package sfu

import (
	"strings"
	"testing"
)

func TestTwoHearEachOther(t *testing.T) {
	n := testNode(t, Config{})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{}).join(r, true)
	b := newClient(t, "bert", clientOption{}).join(r, true)
	await(t, "anna connects", a.connected)
	await(t, "bert connects", b.connected)

	fromA := await(t, "anna's track at bert", b.tracks)
	fromB := await(t, "bert's track at anna", a.tracks)
	if fromA.from != "anna" || fromB.from != "bert" {
		t.Errorf("stream ids %q and %q, want anna and bert", fromA.from, fromB.from)
	}
	p := hears(t, a, fromA)
	if got := string(p.Payload); !strings.HasPrefix(got, "anna says ") {
		t.Errorf("payload %q", got)
	}
	hears(t, b, fromB)
}
