package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/speech/opus"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// speech returns the log of a speaker who talks for some seconds: syllables of a steady pitch,
// encoded with Opus, 100 ms a message.
func speech(t testing.TB, who store.Speaker, seconds int) []frame.Delivery {
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
			Sequence: uint16(i), Timestamp: uint32(i * opus.FrameSamples),
			Arrival: start.Add(at).UnixMicro(), Payload: slices.Clone(packet),
		})
		if len(batch.Frames) == 5 {
			log = append(log, frame.Delivery{Speaker: string(who), Batch: batch})
			batch = frame.Batch{}
		}
	}
	return log
}

// queue is a work queue in memory. A released job can be claimed again.
type queue struct {
	mu    sync.Mutex
	jobs  chan *claim
	ended []string // how claims ended, in order
}

func newQueue(claims ...*claim) *queue {
	q := &queue{jobs: make(chan *claim, 16)}
	for _, c := range claims {
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

// claim returns a log.
type claim struct {
	queue *queue
	id    string
	log   []frame.Delivery
	fail  map[int]error // by try: returned in place of the end
	hang  bool          // there is no end
	pause time.Duration // before each delivery
	tries int
	next  int
}

func (c *claim) Job() frame.Job { return frame.Job{AttemptID: c.id, StartedAt: start} }
func (c *claim) Tries() int     { return c.tries }

func (c *claim) Next(ctx context.Context) (frame.Delivery, error) {
	if c.next < len(c.log) {
		time.Sleep(c.pause)
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

// fakeStore stores a worker's results in memory, and can fail.
type fakeStore struct {
	mu          sync.Mutex
	outage      int            // number of calls for which the database is unavailable
	tries       map[string]int // that count, by attempt
	continued   int            // how often progress was recorded
	pings       int
	pingLies    bool  // Ping does not notice that recordings cannot be stored
	refusal     error // returned for every report
	abandoned   int   // number of reports that are refused because there was no play
	ended       error // returned when an analysis begins
	putFailures int   // number of recordings that cannot be stored
	delFailures int   // number of recordings that cannot be deleted
	reports     []store.Report
	failed      []string
	recordings  map[string][]byte
	announced   []string
	notified    chan struct{}
}

func newFakeStore() *fakeStore {
	return &fakeStore{
		tries: map[string]int{}, recordings: map[string][]byte{},
		notified: make(chan struct{}, 16),
	}
}

func (d *fakeStore) BeginAnalysis(_ context.Context, id string) (store.Try, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.outage > 0 {
		return store.Try{}, fmt.Errorf("no database: %w", store.ErrUnavailable)
	}
	d.tries[id]++
	begun := store.Try{Number: d.tries[id]}
	for _, r := range d.reports {
		if r.AttemptID == id && r.Pending() {
			begun.ReportedAt = &r.CreatedAt
		}
	}
	return begun, d.ended
}

func (d *fakeStore) ContinueAnalysis(_ context.Context, id string, tries int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.continued++
	d.tries[id] = min(d.tries[id], tries)
	return nil
}

func (d *fakeStore) ReleaseAnalysis(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries[id]--
	return nil
}

func (d *fakeStore) SaveReport(_ context.Context, r store.Report) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.outage > 0 {
		d.outage--
		return fmt.Errorf("no database: %w", store.ErrUnavailable)
	}
	if d.abandoned > 0 {
		d.abandoned--
		return fmt.Errorf("it has not been played: %w", store.ErrState)
	}
	if d.refusal != nil {
		return d.refusal
	}
	d.reports = append(d.reports, r)
	return nil
}

func (d *fakeStore) ChangeRecordings(_ context.Context, id string,
	rule func(store.Speaker, *store.Recording)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refusal != nil {
		return d.refusal
	}
	for _, r := range d.reports {
		for _, s := range r.Speakers {
			if r.AttemptID == id && s.Recording != nil {
				rule(s.Speaker, s.Recording)
			}
		}
	}
	return nil
}

func (d *fakeStore) Ping(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pings++
	if d.putFailures > 0 && !d.pingLies {
		return errors.New("read-only file system")
	}
	return nil
}

func (d *fakeStore) FailAttempt(_ context.Context, id, problem string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = append(d.failed, id)
	return nil
}

func (d *fakeStore) Put(_ context.Context, key string, r io.Reader, _ string) (int64, error) {
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

func (d *fakeStore) Open(_ context.Context, key string) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.recordings[key]
	if !ok {
		return nil, store.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (d *fakeStore) Delete(_ context.Context, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.delFailures > 0 {
		d.delFailures--
		return errors.New("no connection")
	}
	delete(d.recordings, key)
	return nil
}

func (d *fakeStore) PublishReportReady(_ context.Context, id, problem string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.announced = append(d.announced, id+": "+problem)
	d.notified <- struct{}{}
	return nil
}

// work runs a worker until it has made a number of announcements. It must run in a synctest
// bubble.
func work(t *testing.T, q *queue, d *fakeStore, announcements int) {
	t.Helper()
	spool := t.TempDir()
	w, err := NewWorker(Config{SpoolDir: spool, Attempts: 1}, q, d, d, d, d,
		slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	for range announcements {
		<-d.notified
	}
	synctest.Wait()
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("files left in the spool: %v, %v", left, err)
	}
}

func TestReportAndRecordings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := append(speech(t, store.SpeakerCandidate, 4), speech(t, store.SpeakerPatient, 2)...)
		q, d := newQueue(&claim{id: "one", log: log}), newFakeStore()
		work(t, q, d, 1)
		if len(d.reports) != 1 || len(d.reports[0].Speakers) != 2 ||
			!slices.Equal(q.ended, []string{"done"}) ||
			!slices.Equal(d.announced, []string{"one: "}) {
			t.Fatalf("%d reports, ended %q, announced %q", len(d.reports), q.ended, d.announced)
		}
		r := d.reports[0]
		for i, frames := range []int{200, 100} {
			s := r.Speakers[i]
			if s.Frames != (store.FrameCounts{Sent: frames, Received: frames, Analysed: frames}) {
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
			// A file has no other speaker, whose turns are no pauses.
			whole := store.NewTiming(again.Speech, nil, r.Speakers[1-i].Analysis.Speech)
			again.Pauses = whole.Pauses
			whole.Set(&again.Measures, len(again.Syllables))
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

func TestSecondTryProducesTheSameReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := speech(t, store.SpeakerCandidate, 3)
		q, d := newQueue(&claim{id: "once", log: log}, &claim{
			id: "twice", log: log, fail: map[int]error{1: errors.New("NATS is away")},
		}), newFakeStore()
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
		q, d := newQueue(&claim{id: "bad", log: bad}), newFakeStore()
		work(t, q, d, 1)
		if want := append(slices.Repeat([]string{"released for 2s"}, 5),
			"given up"); !slices.Equal(q.ended, want) {
			t.Errorf("ended %q, want %q", q.ended, want)
		}
		if !slices.Equal(d.failed, []string{"bad"}) || len(d.announced) != 1 ||
			d.announced[0] == "bad: " || len(d.reports) != 0 {
			t.Errorf("failed %q, announced %q, %d reports", d.failed, d.announced, len(d.reports))
		}
	})
}

// The recordings of an analysis are on the disk while it runs.
func TestFullDiskIsNoTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &claim{
			id: "full", log: speech(t, store.SpeakerCandidate, 1), fail: map[int]error{},
		}
		for try := range 20 {
			full.fail[try+1] = fmt.Errorf("recording: %w",
				&os.PathError{Op: "write", Path: "spool", Err: syscall.ENOSPC})
		}
		q, d := newQueue(full), newFakeStore()
		work(t, q, d, 1)
		want := append(slices.Repeat([]string{"released for 5s"}, 20), "done")
		if !slices.Equal(q.ended, want) || len(d.reports) != 1 || len(d.failed) != 0 {
			t.Errorf("ended %q, %d reports, failed %q", q.ended, len(d.reports), d.failed)
		}
	})
}

func TestReportIsStoredAfterADatabaseOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(&claim{id: "one", log: speech(t, store.SpeakerCandidate, 1)})
		d := newFakeStore()
		d.outage = 20
		work(t, q, d, 1)
		if len(d.reports) != 1 || !slices.Equal(q.ended, []string{"done"}) {
			t.Errorf("%d reports, ended %q", len(d.reports), q.ended)
		}
	})
}

func TestRecordingIsStoredAtTheThirdTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(&claim{id: "one", log: speech(t, store.SpeakerCandidate, 1)})
		d := newFakeStore()
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
			t.Errorf("the recording differs:\n%s", diff)
		}
	})
}

func TestRefusedReportEndsTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := &claim{id: "gone", log: speech(t, store.SpeakerCandidate, 1)}
		over := &claim{id: "over", log: gone.log, fail: map[int]error{1: frame.ErrJobEnded}}
		q, d := newQueue(gone, over), newFakeStore()
		d.refusal = store.ErrNotFound
		ctx, cancel := context.WithCancel(t.Context())
		w, err := NewWorker(Config{SpoolDir: t.TempDir(), Attempts: 1, MaxTries: 1}, q, d, d, d, d,
			slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		<-d.notified // the second attempt is claimed once more and given up
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		if want := []string{"done", "released for 0s", "given up"}; !slices.Equal(q.ended, want) {
			t.Errorf("ended %q, want %q", q.ended, want)
		}
		if len(d.recordings) != 0 {
			t.Errorf("%d recordings of a deleted attempt are left", len(d.recordings))
		}
	})
}

func TestStoppingWorkerReleasesTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &claim{id: "live", log: speech(t, store.SpeakerCandidate, 1), hang: true}
		q, d := newQueue(c), newFakeStore()
		work(t, q, d, 0)
		if !slices.Equal(q.ended, []string{"released for 0s"}) ||
			len(d.reports)+len(d.announced) != 0 {
			t.Errorf("ended %q, %d reports, announced %q", q.ended, len(d.reports), d.announced)
		}
	})
}

func TestGracefulRestartsAreNoTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := speech(t, store.SpeakerCandidate, 2)
		c := &claim{id: "restarted", log: log, hang: true}
		q, d := newQueue(c), newFakeStore()
		for range 20 {
			work(t, q, d, 0)
			synctest.Wait() // the job is back in the queue
		}
		if len(d.failed)+len(d.reports) != 0 || d.tries["restarted"] != 0 {
			t.Fatalf("after 20 restarts: failed %q, %d reports, %d tries", d.failed,
				len(d.reports), d.tries["restarted"])
		}
		c.hang = false
		work(t, q, d, 1)
		whole := newFakeStore()
		work(t, newQueue(&claim{id: "restarted", log: log}), whole, 1)
		if len(d.reports) != 1 || len(whole.reports) != 1 {
			t.Fatalf("failed %q, %d and %d reports", d.failed, len(d.reports),
				len(whole.reports))
		}
		d.reports[0].CreatedAt = whole.reports[0].CreatedAt
		if diff := cmp.Diff(whole.reports[0], d.reports[0]); diff != "" {
			t.Errorf("after 20 restarts the report differs:\n%s", diff)
		}
	})
}

// A worker that crashes takes nothing back. So the next one finds one more try.
func TestCrashesAreTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, d := newQueue(&claim{id: "crashes"}), newFakeStore()
		d.tries["crashes"] = 5
		work(t, q, d, 1)
		if !slices.Equal(d.failed, []string{"crashes"}) ||
			!slices.Equal(q.ended, []string{"given up"}) || len(d.reports) != 0 {
			t.Errorf("failed %q, ended %q, %d reports", d.failed, q.ended, len(d.reports))
		}
	})
}

func TestProgressIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := speech(t, store.SpeakerCandidate, 4)
		c := &claim{id: "slow", log: log, pause: time.Second}
		q, d := newQueue(c), newFakeStore()
		work(t, q, d, 1)
		if d.continued != 4 || d.tries["slow"] != 1 {
			t.Errorf("progress was recorded %d times in 40 s, %d tries", d.continued,
				d.tries["slow"])
		}
	})
}

func TestJobOfAReportedAttemptEnds(t *testing.T) {
	for reason, want := range map[error]string{
		store.ErrState: "given up", store.ErrNotFound: "done",
	} {
		synctest.Test(t, func(t *testing.T) {
			q, d := newQueue(&claim{id: "over"}), newFakeStore()
			d.ended = reason
			work(t, q, d, 0)
			if !slices.Equal(q.ended, []string{want}) || len(d.reports)+len(d.failed) != 0 {
				t.Errorf("%v: ended %q, %d reports, failed %q", reason, q.ended, len(d.reports),
					d.failed)
			}
		})
	}
}

// A worker crashed after it had stored the recordings and before it saved the report, and then the
// account was deleted.
func TestFilesOfADeletedAttemptAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, d := newQueue(&claim{id: "gone"}), newFakeStore()
		d.ended, d.delFailures = store.ErrNotFound, 1
		for _, key := range store.RecordingKeys("gone") {
			d.recordings[key] = []byte("a voice")
		}
		d.recordings[store.RecordingKey("other", store.SpeakerCandidate)] = []byte("a voice")
		ctx, cancel := context.WithCancel(t.Context())
		w, err := NewWorker(Config{SpoolDir: t.TempDir(), Attempts: 1}, q, d, d, d, d,
			slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() { ran <- w.Run(ctx) }()
		time.Sleep(mostPause + time.Second)
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		want := []string{fmt.Sprintf("released for %v", mostPause), "done"}
		if len(d.recordings) != 1 || !slices.Equal(q.ended, want) {
			t.Errorf("%d recordings, ended %q, want %q", len(d.recordings), q.ended, want)
		}
	})
}

func TestReportOfAnAbandonedAttemptIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(&claim{id: "abandoned", log: speech(t, store.SpeakerCandidate, 1)})
		d := newFakeStore()
		d.abandoned = 2
		work(t, q, d, 1)
		want := []string{"released for 2s", "released for 2s", "done"}
		if len(d.reports) != 1 || !slices.Equal(q.ended, want) {
			t.Errorf("%d reports, ended %q, want %q", len(d.reports), q.ended, want)
		}
	})
}

func TestSilentCandidateGetsAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := []frame.Delivery{events(event.Opened{At: at(0)})}
		q, d := newQueue(&claim{id: "mute", log: opened}), newFakeStore()
		work(t, q, d, 1)
		if len(d.reports) != 1 || len(d.reports[0].Speakers) != 1 ||
			d.reports[0].Speakers[0].Analysis.Measures.SpeechDurationS != 0 {
			t.Errorf("reports: %+v", d.reports)
		}
	})
}

func TestLostAudioIsNoReport(t *testing.T) {
	sent := events(event.Opened{At: at(0)}, event.Sent{
		Speaker: string(store.SpeakerCandidate), SSRC: 1, Packets: 500,
	})
	for problem, c := range map[string]claim{
		store.ProblemAudioLost: {fail: map[int]error{1: frame.ErrNoLog}},
		problemNothingArrived:  {log: []frame.Delivery{sent}},
	} {
		synctest.Test(t, func(t *testing.T) {
			c.id = "lost"
			q, d := newQueue(&c), newFakeStore()
			work(t, q, d, 1)
			if want := []string{"lost: " + problem}; !slices.Equal(d.announced, want) ||
				!slices.Equal(d.failed, []string{"lost"}) || len(d.reports) != 0 ||
				!slices.Equal(q.ended, []string{"given up"}) {
				t.Errorf("announced %q, want %q; failed %q, %d reports, ended %q", d.announced,
					want, d.failed, len(d.reports), q.ended)
			}
		})
	}
}
