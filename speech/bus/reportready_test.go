package bus

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inbox collects the announcements that a subscriber receives.
type inbox struct {
	mu       sync.Mutex
	problems []string // guarded by mu
}

func (i *inbox) add(problem string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.problems = append(i.problems, problem)
}

// want checks that the inbox holds these announcements, and gets no others for a time.
func (i *inbox) want(t *testing.T, problems ...string) {
	t.Helper()
	time.Sleep(10 * time.Second)
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	if !slices.Equal(i.problems, problems) {
		t.Errorf("received %q, want %q", i.problems, problems)
	}
}

func subscribe(t *testing.T, b *Bus, attempt string) (*inbox, func()) {
	t.Helper()
	i := &inbox{}
	stop, err := b.SubscribeReportReady(t.Context(), attempt, i.add)
	must(t, err)
	t.Cleanup(stop)
	return i, stop
}

func TestReportReadyReachesAllSubscribersOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		worker, _ := s.process(Config{})
		hub, _ := s.process(Config{})
		early, _ := subscribe(t, hub, "a")
		second, _ := subscribe(t, worker, "a")
		other, _ := subscribe(t, hub, "b")
		stopped, stop := subscribe(t, hub, "a")
		stop()
		early.want(t)
		must(t, worker.PublishReportReady(t.Context(), "a", ""))
		early.want(t, "")
		second.want(t, "")
		late, _ := subscribe(t, hub, "a")
		late.want(t, "")
		must(t, worker.PublishReportReady(t.Context(), "b", "It failed: \"no\" sound."))
		other.want(t, "It failed: \"no\" sound.")
		must(t, worker.PublishReportReady(t.Context(), "a", ""))
		early.want(t, "") // it is delivered once
		stopped.want(t)
	})
}

func TestReportReadyIsDeliveredAfterAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newTestServer(t)
		worker, workerLink := s.process(Config{})
		hub, hubLink := s.process(Config{})
		early, _ := subscribe(t, hub, "a")
		hubLink.cut()
		must(t, worker.PublishReportReady(t.Context(), "a", "a problem"))
		during, _ := subscribe(t, hub, "a")
		during.want(t)
		hubLink.restore()
		early.want(t, "a problem")
		during.want(t, "a problem")

		waiting, _ := subscribe(t, hub, "b")
		workerLink.cut()
		time.AfterFunc(30*time.Second, workerLink.restore)
		must(t, worker.PublishReportReady(t.Context(), "b", ""))
		waiting.want(t, "")
	})
}
