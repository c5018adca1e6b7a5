package voice

import (
	"strings"
	"testing"
	"time"

	"bedside/store/blob"
)

func TestOldLinesAreSwept(t *testing.T) {
	ctx := t.Context()
	b, err := blob.Open(ctx, blob.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	for _, key := range []string{prefix + "ab/abc.ogg", "attempts/a/candidate.ogg"} {
		if _, err := b.Put(ctx, key, strings.NewReader("x"), "audio/ogg"); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	if n, err := Sweep(ctx, b, now.Add(keptFor-time.Hour)); n != 0 || err != nil {
		t.Errorf("before its time: %d, %v", n, err)
	}
	if n, err := Sweep(ctx, b, now.Add(keptFor+time.Hour)); n != 1 || err != nil {
		t.Errorf("after its time: %d, %v", n, err)
	}
	if _, err := b.Open(ctx, "attempts/a/candidate.ogg"); err != nil {
		t.Errorf("another file: %v", err)
	}
}
