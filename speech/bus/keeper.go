package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// checkPace is the shortest time between two checks, however many ask for one.
	checkPace = 200 * time.Millisecond
	// checkTimeout bounds a check. It is shorter than what /health/ready waits.
	checkTimeout = 1500 * time.Millisecond
	// probeBytes is more than a block of most file systems, so that the probe needs space on the
	// disk.
	probeBytes = 4200
	// restartPause is the shortest time between two restarts of the server inside this process.
	restartPause = 5 * time.Second
	// missingPause is the time after which a stream that is missing is made again. The server
	// damages a stream that is made while it still removes the files of the one before.
	missingPause = time.Second
)

// keeper checks that messages can be stored, makes streams again that are gone, and restarts the
// server inside this process when it refuses all writes. It runs as one goroutine of the bus.
type keeper struct {
	bus       *Bus
	ask       chan struct{} // asks for a check; holds one
	restarted time.Time     // when the server was last restarted; owned by the goroutine
	missing   time.Time     // since when a stream is missing; zero: none; owned by the goroutine

	mu    sync.Mutex
	err   error         // of the latest check; guarded by mu
	since time.Time     // when checks began to succeed; zero: at Open; guarded by mu
	next  chan struct{} // closed at the end of the check that begins next; guarded by mu
	// recovered ends when checks succeed again after a failure; guarded by mu
	recovered context.Context
	recover   context.CancelFunc // ends recovered; guarded by mu
}

func newKeeper(b *Bus) *keeper {
	k := &keeper{bus: b, ask: make(chan struct{}, 1), next: make(chan struct{})}
	k.recovered, k.recover = context.WithCancel(b.ctx)
	return k
}

// recovery returns a context that ends when messages can be stored again after they could not.
func (k *keeper) recovery() context.Context {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.recovered
}

// run checks until ctx ends.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(k.bus.cfg.CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-k.ask:
		}
		k.checkAndRepair(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkPace):
		}
	}
}

// hurry makes the next check come soon. It does not block.
func (k *keeper) hurry() {
	select {
	case k.ask <- struct{}{}:
	default:
	}
}

// wait asks for a check and returns its result.
func (k *keeper) wait(ctx context.Context) error {
	k.mu.Lock()
	next := k.next
	k.mu.Unlock()
	k.hurry()
	select {
	case <-next:
	case <-ctx.Done():
		return fmt.Errorf("NATS does not answer: %w", context.Cause(ctx))
	case <-k.bus.ctx.Done():
		return fmt.Errorf("NATS: %w", nats.ErrConnectionClosed)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// worksSince returns since when messages can be stored, zero if they always could, and reports
// whether they can be now.
func (k *keeper) worksSince() (time.Time, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.since, k.err == nil || errors.Is(k.err, errLogFull)
}

// checkAndRepair checks once. After a failure it does what it can, and checks again if there was
// anything to do.
func (k *keeper) checkAndRepair(ctx context.Context) {
	k.mu.Lock()
	next := k.next
	k.next = make(chan struct{})
	k.mu.Unlock()
	err := k.check(ctx)
	if !isMissing(err) {
		k.missing = time.Time{}
	}
	if err != nil && ctx.Err() == nil && k.repair(ctx, err) {
		err = k.check(ctx)
	}
	if ctx.Err() == nil {
		k.record(err)
	}
	close(next)
}

// record keeps the result of a check and logs what has changed.
func (k *keeper) record(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch was := k.err; {
	case err == nil && was != nil:
		k.since = time.Now()
		k.recover()
		k.recovered, k.recover = context.WithCancel(k.bus.ctx)
		k.bus.log.Info("the audio log works again")
	case err != nil && (was == nil || was.Error() != err.Error()):
		k.bus.log.Error("the audio log does not work", "error", err)
	}
	k.err = err
}

// check looks whether all streams and the workers' consumer are there, stores a message in each
// stream, and looks how full the log is, all at the same time: the server may be far away.
func (k *keeper) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	b := k.bus
	if !b.conn.IsConnected() {
		return fmt.Errorf("%s: %w", b.serverName(), nats.ErrDisconnected)
	}
	checks := []func() error{
		func() error {
			_, err := b.jobs.Info(ctx)
			return wrap("NATS consumer "+workers, err)
		},
		func() error { return b.probe(ctx, b.audio, audioStream, frame.AudioProbe) },
		func() error { return b.probe(ctx, b.queue, jobStream, frame.JobProbe) },
		func() error { return b.probe(ctx, b.reports, reportStream, frame.ReportReadyProbe) },
		func() error { return b.checkSpace(ctx) }, // the last, since a full log is the least
	}
	errs := make([]error, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { errs[i] = c() })
	}
	all.Wait()
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	return errs[max(i, 0)]
}

// wrap puts a prefix in front of an error, if there is one.
func wrap(prefix string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", prefix, err)
}

// probe stores a message in a stream. In streams that keep it, it removes the message again. A log
// that is full is no error here: checkSpace says so.
func (b *Bus) probe(ctx context.Context, s jetstream.Stream, name, subject string) error {
	m := &nats.Msg{Subject: subject}
	if s == b.reports {
		m.Data = make([]byte, probeBytes)
	}
	_, err := b.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	switch {
	case isFull(err) && !isDuplicate(err):
		return nil
	case err != nil && !isDuplicate(err) || s == b.reports:
		return wrap("NATS stream "+name, err)
	}
	// Those of other processes, and of checks that were stopped, go with it.
	return wrap("NATS stream "+name, s.Purge(ctx, jetstream.WithPurgeSubject(subject)))
}

// repair does what it can after a check has failed, and reports whether another check may succeed
// now.
func (k *keeper) repair(ctx context.Context, cause error) bool {
	if errors.Is(cause, errLogFull) {
		return false
	}
	b := k.bus
	if b.embedded != nil {
		if problem := b.embedded.broken(); problem != "" {
			k.restart(problem)
			return false // the client library connects soon, and then the keeper is asked to check
		}
	}
	if !isMissing(cause) {
		return false
	}
	if k.missing.IsZero() {
		k.missing = time.Now()
	}
	if time.Since(k.missing) < missingPause {
		return false
	}
	k.missing = time.Time{}
	// Nobody answers for a stream that is missing, nor for one whose cluster has no leader yet.
	b.log.Warn("streams that are missing are made again", "error", cause)
	if _, err := b.createStreams(ctx, false); err != nil {
		b.log.Error("cannot make the streams again", "error", err)
		return false
	}
	return true
}

// restart restarts the server inside this process, if there is space on the disk for it to run.
func (k *keeper) restart(problem string) {
	b := k.bus
	if time.Since(k.restarted) < restartPause || b.embedded.hasSpace() != nil {
		return
	}
	k.restarted = time.Now()
	b.log.Warn("NATS inside this process refuses messages and is restarted", "problem", problem)
	if err := b.embedded.restart(); err != nil {
		b.log.Error("cannot restart NATS inside this process", "error", err)
	}
}

// isMissing reports whether an error says that a stream or the consumer is not there.
func isMissing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == jetstream.JSErrCodeStreamNotFound ||
			api.ErrorCode == jetstream.JSErrCodeConsumerNotFound
	}
	return errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, jetstream.ErrConsumerNotFound) ||
		errors.Is(err, jetstream.ErrNoStreamResponse)
}
