// Package bus carries audio from the media server to its analysis over NATS JetStream. The NATS
// server is a remote one or runs inside this process; the code is the same.
//
// There are three streams:
//
//   - AUDIO is the log: the frames of every attempt, in order, until its report is stored.
//   - JOBS is a work queue with one job per attempt to analyse.
//   - NEWS holds the latest announcement that an attempt's report is ready, for an hour.
//
// On the media server, Begin publishes an attempt's job and starts its tap. The tap collects
// frames from the media path and publishes them in batches; while nobody speaks it publishes
// heartbeats. Finish publishes what is left, then the end marker.
//
// A worker takes a job with Claim. A claim is a worker's hold on an attempt: it keeps itself
// alive, and another worker gets the job when its worker dies. Claim.Next replays the attempt's
// log from the first frame and then follows it live. Without an end marker the attempt ends when
// the worker has read nothing for Config.IdleEnd while messages could be stored, not even a
// heartbeat: the media server is gone. Claim.Done ends the job and then removes the attempt's
// audio.
//
// A full log refuses audio; it does not evict what other attempts have said. While the log takes
// none, for this or another reason, frames wait in the spool, which is bounded: half a minute in
// each speaker's ring, then in memory, then in files. What does not fit is counted: in the
// metrics, in the process's log and in the next batch of the attempt. A part of the log is
// reserved for heartbeats and end markers.
//
// The keeper stores a message in each stream every two seconds. It makes streams again that are
// gone, and restarts the server inside this process when that refuses all messages after a write
// error. Messages of a tap are numbered, so that a worker sees when some are missing.
//
// JetStream acknowledges each message to the tap. A SIGKILL of the process with the server loses
// no acknowledged message, only up to a tenth of a second that the tap had not published. A power
// cut may lose messages that the disk had not synced.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	audioStream  = "AUDIO"
	jobStream    = "JOBS"
	reportStream = "NEWS"    // announcements of reports; existing servers know it by this name
	workers      = "workers" // the consumer that all workers share

	maxReportAge   = time.Hour
	maxReportBytes = 16 << 20

	startTimeout   = 15 * time.Second
	answerTimeout  = 2 * time.Second // for a request to create a stream
	publishTimeout = 5 * time.Second
	retryPause     = 500 * time.Millisecond

	// largestMessage is the size of the largest message, which the server must accept: a full
	// batch and what JetStream adds to it.
	largestMessage = batchFrames*(frame.MaxPayload+24) + 1024
)

// Bus is a connection to NATS, with the server if that runs inside this process. App opens and
// closes it. Safe for concurrent use.
type Bus struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	embedded *embedded // nil when remote
	keeper   *keeper
	conn     *nats.Conn
	js       jetstream.JetStream
	streams  // set by start; handles stay valid when a stream is made again
	space    logSpace
	spool    *spool
	// leftovers is what earlier processes have left, by attempt. Set by Open.
	leftovers map[string]*leftover
	ctx       context.Context // ends when Close stops waiting for the taps
	cancel    context.CancelFunc
	helpers   sync.WaitGroup // goroutines other than those of taps and claims

	mu            sync.Mutex
	taps          map[string]*tap            // by attempt; guarded by mu
	subscriptions map[*subscription]struct{} // guarded by mu
	reconnectedAt time.Time                  // zero: never; guarded by mu
}

// Open connects to NATS and creates the streams. Without a URL it first starts a server inside
// this process. The registerer may be nil.
func Open(ctx context.Context, cfg Config, log *slog.Logger,
	reg prometheus.Registerer) (b *Bus, err error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.Background())
	b = &Bus{
		cfg: cfg.withDefaults(), log: log, metrics: m, ctx: life, cancel: cancel,
		taps: map[string]*tap{}, subscriptions: map[*subscription]struct{}{},
	}
	b.spool, b.leftovers = newSpool(b.cfg), map[string]*leftover{}
	b.keeper = newKeeper(b)
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

// start connects, creates the streams and starts the keeper.
func (b *Bus) start(ctx context.Context) error {
	if err := b.connect(); err != nil {
		return err
	}
	if b.embedded != nil {
		b.limitLog(ctx)
	}
	if err := b.openStreams(ctx); err != nil {
		return err
	}
	b.readLeftovers()
	b.helpers.Go(func() { b.keeper.run(b.ctx) })
	b.helpers.Go(b.spill)
	b.helpers.Go(b.publishLeftovers)
	return nil
}

func (b *Bus) connect() error {
	if err := b.cfg.validateURL(); err != nil {
		return err
	}
	options := []nats.Option{
		nats.Name("bedside"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.RetryOnFailedConnect(false),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("NATS connection lost; reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.reconnected() }),
	}
	switch {
	case b.cfg.dial != nil:
		options = append(options, nats.InProcessServer(b.cfg.dial))
	case b.cfg.URL == "":
		s, err := startEmbedded(b.cfg.Dir, b.log)
		if err != nil {
			return err
		}
		b.embedded = s
		options = append(options, nats.InProcessServer(s))
	}
	conn, err := nats.Connect(b.cfg.URL, options...)
	if err != nil {
		return fmt.Errorf("%s: %w", b.serverName(), err)
	}
	b.conn = conn
	if most := conn.MaxPayload(); most < largestMessage {
		return fmt.Errorf(
			"%s accepts messages of at most %d bytes; set its max_payload to %d or more",
			b.serverName(), most, largestMessage)
	}
	b.js, err = jetstream.New(conn)
	return err
}

// serverName describes the server for messages, without the passwords in its address.
func (b *Bus) serverName() string {
	if b.cfg.URL == "" {
		return "NATS inside this process"
	}
	list := strings.Split(b.cfg.URL, ",")
	for i, s := range list {
		list[i] = s[strings.LastIndex(s, "@")+1:]
	}
	return "NATS at " + strings.Join(list, ",")
}

// reconnected runs on a goroutine of the client library, after it has restored a lost connection.
func (b *Bus) reconnected() {
	b.log.Info("NATS connection restored")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reconnectedAt = time.Now()
	if b.ctx.Err() == nil {
		b.helpers.Go(b.deliverMissed)
	}
	b.keeper.hurry()
}

// connectedSince returns the time of the last reconnection, zero if there was none, and reports
// whether the bus is connected now.
func (b *Bus) connectedSince() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reconnectedAt, b.conn.IsConnected()
}

// couldStoreSince reports whether messages could be stored all the time since from. Otherwise it
// sets from to the time since when they can, or to now.
func (b *Bus) couldStoreSince(from *time.Time) bool {
	connected, ok := b.connectedSince()
	works, stores := b.keeper.worksSince()
	switch {
	case !ok || !stores:
		*from = time.Now()
	case connected.After(*from) || works.After(*from):
		*from = connected
		if works.After(connected) {
			*from = works
		}
	default:
		return true
	}
	return false
}

// Ping returns an error if a message cannot be stored in each stream, a stream is missing, or the
// log has no space for audio. It asks for a check and waits for its result.
func (b *Bus) Ping(ctx context.Context) error { return b.keeper.wait(ctx) }

// allTaps returns the taps of now.
func (b *Bus) allTaps() []*tap {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.taps))
}

// Close publishes what the taps hold, disconnects, then stops the server inside this process. When
// ctx ends first, the frames left in the taps go into the folder of the spool; without one they
// are lost and the error says so.
func (b *Bus) Close(ctx context.Context) error {
	taps := b.allTaps()
	left := make([]error, len(taps))
	for i, t := range taps {
		left[i] = t.close(ctx)
	}
	b.mu.Lock() // no helper starts after this
	b.cancel()
	b.mu.Unlock()
	b.helpers.Wait()
	var errs []error
	for i, t := range taps {
		<-t.done
		if left[i] != nil && b.spool.dir != "" {
			if left[i] = t.save(); left[i] == nil {
				b.log.Warn("audio stays in the spool until the next start", "attempt", t.attempt)
			}
		}
		errs = append(errs, left[i])
	}
	if b.conn != nil {
		b.conn.Close()
	}
	if b.embedded != nil {
		b.embedded.stop()
	}
	b.metrics.unregister()
	return errors.Join(errs...)
}
