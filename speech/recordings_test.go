package speech

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
)

// storage is a worker with a queue of one attempt and a blob store that refuses.
type storage struct {
	t      *testing.T
	queue  *queue
	store  *fakeStore
	cancel context.CancelFunc
	ran    chan error
}

func refusing(t *testing.T) *storage {
	t.Helper()
	q := newQueue(&claim{id: "one", log: speech(t, store.SpeakerCandidate, 2)})
	d := newFakeStore()
	d.putFailures = 1 << 30
	s := &storage{t: t, queue: q, store: d, ran: make(chan error, 1)}
	s.start()
	<-d.notified
	synctest.Wait()
	return s
}

// start starts the worker.
func (s *storage) start() {
	s.t.Helper()
	w, err := NewWorker(Config{SpoolDir: s.t.TempDir(), Attempts: 1}, s.queue, s.store, s.store,
		s.store, s.store, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(s.t.Context())
	go func() { s.ran <- w.Run(ctx) }()
}

// stop stops the worker.
func (s *storage) stop() {
	s.t.Helper()
	s.cancel()
	if err := <-s.ran; err != nil {
		s.t.Error(err)
	}
}

// recover makes the blob store accept files.
func (s *storage) recover() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.putFailures = 0
}

func (s *storage) recording() store.Recording {
	s.t.Helper()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if len(s.store.reports) != 1 {
		s.t.Fatalf("%d reports", len(s.store.reports))
	}
	return *s.store.reports[0].Speakers[0].Recording
}

func (s *storage) ended() []string {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return slices.Clone(s.queue.ended)
}

func TestReportComesBeforeItsRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := refusing(t)
		if waited := time.Since(began); waited > storeTimeout {
			t.Errorf("the report came after %v", waited)
		}
		if got := s.recording(); got.State != store.RecordingPending {
			t.Fatalf("recording %+v", got)
		}
		reported := s.store.reports[0]
		time.Sleep(6 * time.Hour)
		tries := len(s.ended())
		if tries < 20 || tries > 60 || slices.Contains(s.ended(), "done") {
			t.Errorf("in six hours storing was tried %d times: %q", tries, s.ended())
		}
		s.stop() // the worker's process restarts
		s.start()
		s.recover()
		time.Sleep(mostPause)
		synctest.Wait()
		got := s.recording()
		kept := s.store.recordings["attempts/one/candidate.ogg"]
		if got.State != store.RecordingKept || got.Bytes != int64(len(kept)) || got.Bytes == 0 {
			t.Errorf("recording %+v, %d bytes stored", got, len(kept))
		}
		if ended := s.ended(); ended[len(ended)-1] != "done" {
			t.Errorf("ended %q", ended)
		}
		again, err := AnalyzeFile(t.Context(), bytes.NewReader(kept), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reported.Speakers[0].Analysis, again); diff != "" {
			t.Errorf("the recording differs from the report:\n%s", diff)
		}
		if n := s.store.tries["one"]; n != 1 || len(s.store.failed) != 0 {
			t.Errorf("%d tries, failed %q", n, s.store.failed)
		}
		s.stop()
	})
}

func TestRecordingFailsAfterDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := refusing(t)
		time.Sleep(pendingLimit)
		if got := s.recording(); got.State != store.RecordingPending {
			t.Fatalf("given up too early: %+v", got)
		}
		time.Sleep(2 * mostPause)
		synctest.Wait()
		if got := s.recording(); got.State != store.RecordingFailed {
			t.Errorf("recording %+v", got)
		}
		ended := s.ended()
		if ended[len(ended)-1] != "given up" || len(s.store.failed) != 0 ||
			len(s.store.announced) != 1 {
			t.Errorf("ended %q, failed %q, announced %q", ended[len(ended)-1], s.store.failed,
				s.store.announced)
		}
		s.stop()
	})
}

// The blob store answers a ping, and refuses files all the same.
func TestRecordingIsRetriedAlthoughThePingLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := refusing(t)
		s.store.mu.Lock()
		s.store.pingLies = true
		s.store.mu.Unlock()
		time.Sleep(time.Hour)
		if got, n := s.recording(), s.store.tries["one"]; got.State != store.RecordingPending ||
			n != 0 {
			t.Errorf("recording %+v, %d tries", got, n)
		}
		s.recover()
		time.Sleep(mostPause)
		synctest.Wait()
		if got := s.recording(); got.State != store.RecordingKept {
			t.Errorf("recording %+v", got)
		}
		s.stop()
	})
}

func TestDeletedAttemptEndsTheStoring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := refusing(t)
		s.store.mu.Lock()
		s.store.ended = store.ErrNotFound
		s.store.mu.Unlock()
		time.Sleep(mostPause)
		synctest.Wait()
		ended := s.ended()
		if ended[len(ended)-1] != "done" || len(s.store.recordings) != 0 {
			t.Errorf("ended %q, %d recordings", ended, len(s.store.recordings))
		}
		s.stop()
	})
}

// The account is deleted after the recording is stored again and before the report says so.
func TestRecordingOfAnAttemptDeletedMeanwhileIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := refusing(t)
		s.store.mu.Lock()
		s.store.refusal = store.ErrNotFound
		s.store.mu.Unlock()
		s.recover()
		time.Sleep(mostPause)
		synctest.Wait()
		ended := s.ended()
		if ended[len(ended)-1] != "done" || len(s.store.recordings) != 0 {
			t.Errorf("ended %q, recordings %v", ended, len(s.store.recordings))
		}
		s.stop()
	})
}

func TestPendingErrorNamesItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFakeStore()
		d.putFailures = 1 << 30
		w := &Worker{recordings: d, cfg: Defaults()}
		err := w.checkPending(t.Context(), time.Now())
		if err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Error(err)
		}
	})
}

// The log is gone, and the recordings are there: for example because the worker crashed between
// both, and the log was lost afterwards.
func TestRecordingsAreAnalysedWithoutALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := speech(t, store.SpeakerCandidate, 3)
		log := append(append([]frame.Delivery{events(event.Opened{At: at(0)})}, first...),
			speech(t, store.SpeakerPatient, 2)...)
		const who, cause = store.SpeakerCandidate, store.CauseConnectionLost
		log = append(log, events(changed(who, cause, true, 3), changed(who, cause, false, 6)))
		log = append(log, shift(first, 9, 6)...) // nothing arrives for three seconds
		d := newFakeStore()
		work(t, newQueue(&claim{id: "one", log: log}), d, 1)
		work(t, newQueue(&claim{id: "one", fail: map[int]error{1: frame.ErrNoLog}}), d, 1)
		if len(d.reports) != 2 || len(d.failed) != 0 {
			t.Fatalf("%d reports, failed %q", len(d.reports), d.failed)
		}
		for i, want := range d.reports[0].Speakers {
			got := d.reports[1].Speakers[i]
			if diff := cmp.Diff(want.Analysis, got.Analysis); diff != "" {
				t.Errorf("%s: the analysis differs:\n%s", got.Speaker, diff)
			}
			if diff := cmp.Diff(want.Interruptions, got.Interruptions); diff != "" {
				t.Errorf("%s: interruptions differ:\n%s", got.Speaker, diff)
			}
		}
	})
}
