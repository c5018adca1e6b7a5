package bus

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inbox collects news.
type inbox struct {
	mu   sync.Mutex
	news []string // guarded by mu
}

func (i *inbox) tell(problem string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.news = append(i.news, problem)
}

func (i *inbox) want(t *testing.T, news ...string) {
	t.Helper()
	time.Sleep(10 * time.Second)
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	if !slices.Equal(i.news, news) {
		t.Errorf("told %q, want %q", i.news, news)
	}
}

func subscribe(t *testing.T, b *Bus, attempt string) (*inbox, func()) {
	t.Helper()
	i := &inbox{}
	stop, err := b.SubscribeReportReady(t.Context(), attempt, i.tell)
	must(t, err)
	t.Cleanup(stop)
	return i, stop
}

func TestNewsReachesWhoeverSubscribed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
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
		early.want(t, "") // once is enough
		stopped.want(t)
	})
}

func TestNewsOfAnOutageIsToldAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSite(t)
		worker, workerLine := s.process(Config{})
		hub, hubLine := s.process(Config{})
		early, _ := subscribe(t, hub, "a")
		hubLine.cut()
		must(t, worker.PublishReportReady(t.Context(), "a", "a problem"))
		during, _ := subscribe(t, hub, "a")
		during.want(t)
		hubLine.mend()
		early.want(t, "a problem")
		during.want(t, "a problem")

		waiting, _ := subscribe(t, hub, "b")
		workerLine.cut()
		time.AfterFunc(30*time.Second, workerLine.mend)
		must(t, worker.PublishReportReady(t.Context(), "b", ""))
		waiting.want(t, "")
	})
}
