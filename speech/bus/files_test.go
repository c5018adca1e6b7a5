package bus

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bedside/speech/frame"

	"github.com/prometheus/client_golang/prometheus"
)

// inFiles returns a function that changes the content of files of JetStream. The pattern is below
// the folder of the account's streams.
func inFiles(t *testing.T, pattern string, change func(content []byte) []byte) func(dir string) {
	return func(dir string) {
		files, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", pattern))
		must(t, err)
		if len(files) == 0 {
			t.Fatalf("no files match %s", pattern)
		}
		for _, f := range files {
			content, err := os.ReadFile(f)
			must(t, err)
			must(t, os.WriteFile(f, change(content), 0o600))
		}
	}
}

func half(b []byte) []byte { return b[:len(b)/2] }

func garbled(b []byte) []byte {
	copy(b[len(b)/3:], bytes.Repeat([]byte("noise"), len(b)/15+1))
	return b
}

func empty([]byte) []byte { return nil }

// The files of the server inside this process are damaged between two starts. Each play must get
// an answer, and the next one must work. In real time, as TestLogSurvivesARestart.
func TestDamagedFilesDoNotKeepTheServerFromStarting(t *testing.T) {
	if !alone(t) {
		return
	}
	const log, jobs, news = "AUDIO/", "JOBS/", "NEWS/"
	for name, tc := range map[string]struct {
		damage func(dir string)
		job    bool // is left
	}{
		"log cut":             {inFiles(t, log+"msgs/*.blk", half), true},
		"log garbled":         {inFiles(t, log+"msgs/*.blk", garbled), true},
		"log empty":           {inFiles(t, log+"msgs/*.blk", empty), true},
		"log's index garbled": {inFiles(t, log+"msgs/index.db", garbled), true},
		"log's name garbled":  {inFiles(t, log+"meta.*", garbled), true},
		"log's name empty":    {inFiles(t, log+"meta.*", empty), true},
		"jobs cut":            {inFiles(t, jobs+"msgs/*.blk", half), false},
		"jobs garbled":        {inFiles(t, jobs+"msgs/*.blk", garbled), false},
		"jobs' name garbled":  {inFiles(t, jobs+"meta.*", garbled), false},
		"consumer garbled":    {inFiles(t, jobs+"obs/workers/*", garbled), true},
		"consumer empty":      {inFiles(t, jobs+"obs/workers/*", empty), true},
		"news garbled":        {inFiles(t, news+"m*/*", garbled), true},
		"all files garbled":   {inFiles(t, "*/m*/*", garbled), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := open(t, Config{Dir: dir})
			began := time.Now()
			must(t, b.Begin(t.Context(), "a", began))
			sent := writeFrames(writer(t, b, "a", "candidate"), 0, 1000, 0)
			must(t, b.Finish(t.Context(), "a"))
			must(t, b.PublishReportReady(t.Context(), "x", ""))
			must(t, b.Close(t.Context()))
			tc.damage(dir)

			var lines bytes.Buffer
			b, err := Open(t.Context(), Config{Dir: dir, IdleEnd: time.Second},
				slog.New(slog.NewTextHandler(&lines, nil)), prometheus.NewRegistry())
			must(t, err)
			t.Cleanup(func() { _ = b.Close(t.Context()) })
			eventually(t, "ready", works(t, b))
			if ok, err := b.HasJob(t.Context(), "a"); err != nil || ok != tc.job {
				t.Errorf("job left: %v, %v; want %v", ok, err, tc.job)
			}
			must(t, b.Requeue(t.Context(), frame.Job{AttemptID: "a", StartedAt: began}))
			c := claim(t, b)
			got := received{frames: map[string][]frame.Frame{}}
			for {
				d, err := c.Next(t.Context())
				if err != nil || d.End {
					t.Logf("%d of %d frames are left; %v", len(got.frames["candidate"]), len(sent),
						err)
					break
				}
				got.add(d)
			}
			must(t, c.Done(t.Context()))

			must(t, b.Begin(t.Context(), "b", time.Now()))
			next := writeFrames(writer(t, b, "b", "candidate"), 0, 100, 0)
			must(t, b.Finish(t.Context(), "b"))
			c = claim(t, b)
			equalFrames(t, "the next play", receiveAll(t, c).frames["candidate"], next)
			must(t, c.Done(t.Context()))
			if lines.Len() == 0 {
				t.Error("nothing was logged")
			}
			t.Logf("logged:\n%s", &lines)
		})
	}
}

// The log has a part that cannot be read, and messages behind it.
func TestUnreadablePartOfTheLogIsAHole(t *testing.T) {
	if !alone(t) {
		return
	}
	t.Parallel()
	// JetStream uses the smallest blocks for so small a stream.
	const smallBlocks = 120_000
	dir := t.TempDir()
	began := time.Now()
	var sent []frame.Frame
	for n := range 3 {
		b := open(t, Config{Dir: dir, MaxBytes: smallBlocks})
		must(t, b.Begin(t.Context(), "a", began))
		w := writer(t, b, "a", "candidate")
		sent = append(sent, writeFrames(w, 300*n, 300*n+300, 0)...)
		if n == 2 {
			must(t, b.Finish(t.Context(), "a"))
		}
		must(t, b.Close(t.Context()))
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "AUDIO", "msgs",
		"*.blk"))
	must(t, err)
	if len(blocks) < 2 {
		t.Fatalf("the log has the blocks %q; the test needs two", blocks)
	}
	inFiles(t, "AUDIO/msgs/"+filepath.Base(blocks[0]), garbled)(dir)

	b := open(t, Config{Dir: dir, MaxBytes: smallBlocks, IdleEnd: time.Second})
	c := claim(t, b)
	got, missing := received{frames: map[string][]frame.Frame{}}, 0
	for {
		d, err := c.Next(t.Context())
		must(t, err)
		if d.End {
			break
		}
		if d.Missing {
			missing++
		}
		got.add(d)
	}
	must(t, c.Done(t.Context()))
	read := got.frames["candidate"]
	if missing != 1 || got.dropped != 0 || len(read) < 400 || len(read) == len(sent) {
		t.Fatalf("%d of %d frames and %d holes", len(read), len(sent), missing)
	}
	equalFrames(t, "before the hole", read[:150], sent[:150])
	equalFrames(t, "behind it", read[len(read)-150:], sent[len(sent)-150:])
}
