// Package bus carries audio from the media path to its analysis over NATS JetStream: a log of
// what was said (AUDIO), a work queue of attempts to be analysed (JOBS), and news of reports
// (NEWS). The NATS server is a remote one, or one inside this process; the code is the same.
//
// A message is acknowledged to the tap once JetStream has it. A SIGKILL of the process that holds
// the server then loses nothing that the kernel was handed; what the tap had not published yet, a
// tenth of a second, is lost with it. A power cut may lose what the disk had not synced.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	audioStream  = "AUDIO"
	jobStream    = "JOBS"
	newsStream   = "NEWS"
	workers      = "workers" // the consumer that all workers share
	maxAudioAge  = 7 * 24 * time.Hour
	maxNewsAge   = time.Hour
	maxNewsBytes = 16 << 20
	startLimit   = 15 * time.Second
	publishLimit = 5 * time.Second
	retryPause   = 500 * time.Millisecond
	// largestMessage is what a server must take: a tap's fullest batch, and what JetStream adds.
	largestMessage = batchFrames*(frame.MaxPayload+24) + 1024
)

// Bus is a connection to NATS, with the server when that is in this process. App opens and closes
// it. Safe for concurrent use.
type Bus struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	server  *server.Server // nil when remote
	conn    *nats.Conn
	js      jetstream.JetStream
	audio   jetstream.Stream
	queue   jetstream.Stream   // of jobs
	jobs    jetstream.Consumer // of queue
	news    jetstream.Stream
	ctx     context.Context // ends when Close gives up waiting
	cancel  context.CancelFunc
	helpers sync.WaitGroup // goroutines that are neither a tap's nor a claim's

	mu        sync.Mutex
	taps      map[string]*tap        // by attempt; guarded by mu
	listeners map[*listener]struct{} // guarded by mu
	back      time.Time              // when the connection was last made again; guarded by mu
}

// Open connects, starting the server inside this process first if there is no URL, and makes the
// streams. The registerer may be nil.
func Open(ctx context.Context, cfg Config, log *slog.Logger,
	reg prometheus.Registerer) (b *Bus, err error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.Background())
	b = &Bus{
		cfg: cfg.withDefaults(), log: log, metrics: m, ctx: life, cancel: cancel,
		taps: map[string]*tap{}, listeners: map[*listener]struct{}{},
	}
	if err := errors.Join(b.connect(), b.prepare(ctx)); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

func (b *Bus) connect() error {
	options := []nats.Option{
		nats.Name("bedside"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.RetryOnFailedConnect(false),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("NATS connection lost; trying again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.reconnected() }),
	}
	switch {
	case b.cfg.dial != nil:
		options = append(options, nats.InProcessServer(b.cfg.dial))
	case b.cfg.URL == "":
		s, err := startServer(b.cfg.Dir, b.log)
		if err != nil {
			return err
		}
		b.server = s
		b.cfg.MaxBytes = room(s, b.cfg.MaxBytes, b.log)
		options = append(options, nats.InProcessServer(s))
	}
	conn, err := nats.Connect(b.cfg.URL, options...)
	if err != nil {
		return fmt.Errorf("%s: %w", b.place(), err)
	}
	b.conn = conn
	if most := conn.MaxPayload(); most < largestMessage {
		return fmt.Errorf(
			"%s takes messages of %d bytes at most; set its max_payload to %d or more", b.place(),
			most, largestMessage)
	}
	b.js, err = jetstream.New(conn)
	return err
}

// place names the server, without what is secret in its address.
func (b *Bus) place() string {
	if b.cfg.URL == "" {
		return "NATS inside this process"
	}
	list := strings.Split(b.cfg.URL, ",")
	for i, s := range list {
		list[i] = s[strings.LastIndex(s, "@")+1:]
	}
	return "NATS at " + strings.Join(list, ",")
}

// reconnected is called by the client library when the connection was lost and is there again.
func (b *Bus) reconnected() {
	b.log.Info("NATS connection is back")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.back = time.Now()
	if b.ctx.Err() == nil {
		b.helpers.Go(b.catchUp)
	}
}

// heardSince tells since when the connection stands without a break; false when it does not stand.
func (b *Bus) heardSince() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.back, b.conn.IsConnected()
}

// prepare makes the streams and the workers' consumer, or brings them up to date.
func (b *Bus) prepare(ctx context.Context) (err error) {
	if b.js == nil {
		return nil // connect has failed and said so
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("%s: JetStream: %w", b.place(), err)
	}
	b.audio, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: audioStream, Description: "What is said in plays, until it is reported", Subjects: []string{
			frame.AudioSubjects,
		},
		Storage: jetstream.FileStorage, MaxBytes: b.cfg.MaxBytes, MaxAge: maxAudioAge, MaxMsgSize: frame.MaxBatch, Duplicates: 2 * time.Minute,
	})
	if err != nil {
		return fmt.Errorf("NATS stream %s: %w", audioStream, err)
	}
	b.queue, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: jobStream, Description: "Attempts to be analysed", Subjects: []string{
			frame.JobSubjects,
		},
		Storage: jetstream.FileStorage, Retention: jetstream.WorkQueuePolicy,
		// One job for an attempt at a time: a second request while it waits or runs is refused by
		// the stream.
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, Duplicates: 2 * time.Minute,
	})
	if err != nil {
		return fmt.Errorf("NATS stream %s: %w", jobStream, err)
	}
	b.jobs, err = b.queue.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: workers, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.cfg.AckWait, MaxAckPending: -1,
	})
	if err != nil {
		return fmt.Errorf("NATS consumer %s: %w", workers, err)
	}
	b.news, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: newsStream, Description: "The latest news of each attempt's report", Subjects: []string{
			frame.ReportReadySubjects,
		},
		Storage: jetstream.FileStorage, MaxMsgsPerSubject: 1, MaxAge: maxNewsAge, MaxBytes: maxNewsBytes,
	})
	if err != nil {
		return fmt.Errorf("NATS stream %s: %w", newsStream, err)
	}
	return nil
}

// Ping reports whether JetStream answers.
func (b *Bus) Ping(ctx context.Context) error {
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	return nil
}

// Close flushes and ends the taps, disconnects, then stops the server if it is ours. When ctx
// ends first, what is left in taps is lost.
func (b *Bus) Close(ctx context.Context) error {
	b.mu.Lock()
	taps := make([]*tap, 0, len(b.taps))
	for _, t := range b.taps {
		taps = append(taps, t)
	}
	b.mu.Unlock()
	var errs []error
	for _, t := range taps {
		errs = append(errs, t.close(ctx))
	}
	b.mu.Lock() // no helper is started from here on
	b.cancel()
	b.mu.Unlock()
	b.helpers.Wait()
	for _, t := range taps {
		<-t.done
	}
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	b.metrics.unregister()
	return errors.Join(errs...)
}
