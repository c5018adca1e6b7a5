package speech

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/frame"
	"bedside/speech/opus"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// said gives the log of a speaker who talks for some seconds: syllables of a steady pitch, real
// Opus, 100 ms a message.
func said(t testing.TB, who store.Speaker, seconds int) []frame.Delivery {
	t.Helper()
	encoder, err := opus.NewEncoder(opus.EncoderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var log []frame.Delivery
	var batch frame.Batch
	pcm := make([]float32, opus.FrameSamples)
	for i := range seconds * 50 {
		for k := range pcm {
			n := i*opus.FrameSamples + k
			if n/12000%4 != 3 { // every fourth quarter of a second is silent
				pcm[k] = 0.6 * float32(1-float64(n%400)/200)
			} else {
				pcm[k] = 0
			}
		}
		packet, err := encoder.Encode(pcm)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Duration(i) * 20 * time.Millisecond
		batch.Frames = append(batch.Frames, frame.Frame{
			Sequence: uint16(i), Timestamp: uint32(i * opus.FrameSamples), Arrival: start.Add(at).UnixMicro(), Payload: slices.Clone(packet),
		})
		if len(batch.Frames) == 5 {
			log = append(log, frame.Delivery{Speaker: string(who), Batch: batch})
			batch = frame.Batch{}
		}
	}
	return log
}

// queue is a work queue in memory: released jobs come again.
type queue struct {
	mu    sync.Mutex
	jobs  chan *claim
	ended []string // how claims ended, in order
}

func newQueue(c ...*claim) *queue {
	q := &queue{jobs: make(chan *claim, 16)}
	for _, c := range c {
		c.queue = q
		q.jobs <- c
	}
	return q
}

func (q *queue) Claim(ctx context.Context) (Claim, error) {
	select {
	case c := <-q.jobs:
		c.tries++
		c.next = 0
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (q *queue) end(how string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = append(q.ended, how)
}

// claim replays a log.
type claim struct {
	queue *queue
	id    string
	log   []frame.Delivery
	fail  map[int]error // instead of the end, by try
	hang  bool          // the end does not come
	tries int
	next  int
}

func (c *claim) Job() frame.Job { return frame.Job{AttemptID: c.id, StartedAt: start} }
func (c *claim) Tries() int     { return c.tries }

func (c *claim) Next(ctx context.Context) (frame.Delivery, error) {
	if c.next < len(c.log) {
		c.next++
		return c.log[c.next-1], nil
	}
	if err := c.fail[c.tries]; err != nil {
		return frame.Delivery{}, err
	}
	if c.hang {
		<-ctx.Done()
		return frame.Delivery{}, context.Cause(ctx)
	}
	return frame.Delivery{End: true}, nil
}

func (c *claim) Done(context.Context) error { c.queue.end("done"); return nil }
func (c *claim) GiveUp() error              { c.queue.end("given up"); return nil }
func (c *claim) Release(delay time.Duration) error {
	c.queue.end(fmt.Sprintf("released for %v", delay))
	time.AfterFunc(delay, func() { c.queue.jobs <- c })
	return nil
}

// desk keeps what a worker hands in.
type desk struct {
	mu          sync.Mutex
	away        int   // so many times the database is not there
	refuse      error // the database wants no report
	putFailures int   // so many times a recording cannot be kept
	reports     []store.Report
	failed      []string
	recordings  map[string][]byte
	news        []string
	told        chan struct{}
}

func newDesk() *desk {
	return &desk{recordings: map[string][]byte{}, told: make(chan struct{}, 16)}
}

func (d *desk) SaveReport(_ context.Context, r store.Report) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away > 0 {
		d.away--
		return fmt.Errorf("no database: %w", store.ErrUnavailable)
	}
	if d.refuse != nil {
		return d.refuse
	}
	d.reports = append(d.reports, r)
	return nil
}

func (d *desk) FailAttempt(_ context.Context, id, problem string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = append(d.failed, id)
	return nil
}

func (d *desk) Put(_ context.Context, key string, r io.Reader, _ string) (int64, error) {
	b, err := io.ReadAll(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.putFailures > 0 {
		d.putFailures--
		return 0, errors.New("the disk is full")
	}
	d.recordings[key] = b
	return int64(len(b)), err
}

func (d *desk) Delete(_ context.Context, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.recordings, key)
	return nil
}

func (d *desk) PublishReportReady(_ context.Context, id, problem string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.news = append(d.news, id+": "+problem)
	d.told <- struct{}{}
	return nil
}

// work runs a worker until so much news is told, in a time of its own.
func work(t *testing.T, q *queue, d *desk, news int) {
	t.Helper()
	spool := t.TempDir()
	w, err := NewWorker(Config{SpoolDir: spool, Attempts: 1}, q, d, d, d,
		slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	for range news {
		<-d.told
	}
	synctest.Wait()
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("left in the spool: %v, %v", left, err)
	}
}

func TestReportAndRecordings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := append(said(t, store.SpeakerCandidate, 4), said(t, store.SpeakerPatient, 2)...)
		q, d := newQueue(&claim{id: "one", log: log}), newDesk()
		work(t, q, d, 1)
		if len(d.reports) != 1 || len(d.reports[0].Speakers) != 2 ||
			!slices.Equal(q.ended, []string{"done"}) || !slices.Equal(d.news, []string{"one: "}) {
			t.Fatalf("%d reports, ended %q, news %q", len(d.reports), q.ended, d.news)
		}
		r := d.reports[0]
		for i, frames := range []int{200, 100} {
			s := r.Speakers[i]
			if s.Frames != (store.FrameCounts{Received: frames, Analysed: frames}) {
				t.Errorf("%s: frames %+v, want %d received and analysed", s.Speaker, s.Frames,
					frames)
			}
			recording := d.recordings["attempts/one/"+string(s.Speaker)+".ogg"]
			if s.Recording == nil || s.Recording.Bytes != int64(len(recording)) ||
				len(recording) == 0 {
				t.Fatalf("%s: recording %+v of %d bytes", s.Speaker, s.Recording, len(recording))
			}
			again, err := AnalyzeFile(t.Context(), strings.NewReader(string(recording)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.Analysis, again); diff != "" {
				t.Errorf("%s: the recording analysed again differs:\n%s", s.Speaker, diff)
			}
			if s.Analysis.DurationS != r.DurationS || s.Analysis.Measures.SpeechDurationS < 0.5 {
				t.Errorf("%s: %v s of %v s, speech %v s", s.Speaker, s.Analysis.DurationS,
					r.DurationS, s.Analysis.Measures.SpeechDurationS)
			}
		}
	})
}

func TestAnotherTryGivesTheSameReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := said(t, store.SpeakerCandidate, 3)
		q, d := newQueue(&claim{id: "once", log: log}, &claim{
			id: "twice", log: log, fail: map[int]error{1: errors.New("NATS is away")},
		}), newDesk()
		work(t, q, d, 2)
		if !slices.Equal(q.ended, []string{"done", "released for 2s", "done"}) {
			t.Errorf("ended %q", q.ended)
		}
		if diff := cmp.Diff(d.reports[0].Speakers[0].Analysis,
			d.reports[1].Speakers[0].Analysis); diff != "" {
			t.Error(diff)
		}
	})
}

func TestGivenUpAfterTooManyTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := []frame.Delivery{{Speaker: "nobody"}}
		q, d := newQueue(&claim{id: "bad", log: bad}), newDesk()
		work(t, q, d, 1)
		if want := append(slices.Repeat([]string{"released for 2s"}, 5),
			"given up"); !slices.Equal(q.ended, want) {
			t.Errorf("ended %q, want %q", q.ended, want)
		}
		if !slices.Equal(d.failed, []string{"bad"}) || len(d.news) != 1 || d.news[0] == "bad: " ||
			len(d.reports) != 0 {
			t.Errorf("failed %q, news %q, %d reports", d.failed, d.news, len(d.reports))
		}
	})
}

func TestDatabaseComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, d := newQueue(&claim{id: "one", log: said(t, store.SpeakerCandidate, 1)}), newDesk()
		d.away = 20
		work(t, q, d, 1)
		if len(d.reports) != 1 || !slices.Equal(q.ended, []string{"done"}) {
			t.Errorf("%d reports, ended %q", len(d.reports), q.ended)
		}
	})
}

func TestReportGoesWithoutARecordingThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, d := newQueue(&claim{id: "one", log: said(t, store.SpeakerCandidate, 1)}), newDesk()
		d.putFailures = 1000
		work(t, q, d, 1)
		if len(d.reports) != 1 || d.reports[0].Speakers[0].Recording != nil {
			t.Errorf("reports: %+v", d.reports)
		}
		if tries := 1000 - d.putFailures; tries != 3 {
			t.Errorf("it was tried %d times", tries)
		}
	})
}

func TestRecordingIsKeptAtTheThirdTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, d := newQueue(&claim{id: "one", log: said(t, store.SpeakerCandidate, 1)}), newDesk()
		d.putFailures = 2
		work(t, q, d, 1)
		if len(d.reports) != 1 || d.reports[0].Speakers[0].Recording == nil {
			t.Fatalf("%d reports, %d recordings", len(d.reports), len(d.recordings))
		}
		kept := d.recordings["attempts/one/candidate.ogg"]
		again, err := AnalyzeFile(t.Context(), strings.NewReader(string(kept)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d.reports[0].Speakers[0].Analysis, again); diff != "" {
			t.Errorf("the recording is not whole:\n%s", diff)
		}
	})
}

func TestUnwantedReportEndsTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := &claim{id: "gone", log: said(t, store.SpeakerCandidate, 1)}
		over := &claim{id: "over", log: gone.log, fail: map[int]error{1: frame.ErrJobEnded}}
		q, d := newQueue(gone, over), newDesk()
		d.refuse = store.ErrNotFound
		ctx, cancel := context.WithCancel(t.Context())
		w, err := NewWorker(Config{SpoolDir: t.TempDir(), Attempts: 1, MaxTries: 1}, q, d, d, d,
			slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		<-d.told // the second comes again, once too often
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if want := []string{"done", "released for 0s", "given up"}; !slices.Equal(q.ended, want) {
			t.Errorf("ended %q, want %q", q.ended, want)
		}
		if len(d.recordings) != 0 {
			t.Errorf("recordings of an attempt that is gone were kept: %d", len(d.recordings))
		}
	})
}

func TestStoppingGivesTheAttemptBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &claim{id: "live", log: said(t, store.SpeakerCandidate, 1), hang: true}
		q, d := newQueue(c), newDesk()
		work(t, q, d, 0)
		if !slices.Equal(q.ended, []string{"released for 0s"}) || len(d.reports)+len(d.news) != 0 {
			t.Errorf("ended %q, %d reports, news %q", q.ended, len(d.reports), d.news)
		}
	})
}

func TestSilentCandidateGetsAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, d := newQueue(&claim{id: "mute"}), newDesk()
		work(t, q, d, 1)
		if len(d.reports) != 1 || len(d.reports[0].Speakers) != 1 ||
			d.reports[0].Speakers[0].Analysis.Measures.SpeechDurationS != 0 {
			t.Errorf("reports: %+v", d.reports)
		}
	})
}
