package faults

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var table Table
	table.Add(Row{
		Fault: "media killed", Plays: 4, Faults: 60, Outcome: "60 rejoins",
		Frames: Frames{100, 50, 2, 40}.Plus(Frames{10, 8, 0, 10}),
	})
	table.Add(Row{
		Fault: "disk full", Plays: 1, Faults: 1, Outcome: "ok",
		Frames: Frames{Sent: 9, Analysed: 8},
	})
	var out strings.Builder
	if err := table.Print(&out); err != nil {
		t.Fatal(err)
	}
	const want = `  times  plays  sent  analysed  concealed  lost  fault: outcome
     60      4   110        58          2    50  media killed: 60 rejoins
      1      1     9         8          0     0  disk full: ok; THE FRAMES DO NOT ADD UP
`
	if out.String() != want {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestFramesMustAddUp(t *testing.T) {
	for frames, ok := range map[Frames]bool{
		{}:           false, // nothing was sent, so nothing was tested
		{3, 1, 1, 1}: true,
		{3, 3, 0, 0}: true,
		{3, 2, 0, 0}: false,
		{3, 3, 0, 1}: false,
	} {
		if err := frames.Check(); (err == nil) != ok {
			t.Errorf("%+v: %v", frames, err)
		}
	}
}
