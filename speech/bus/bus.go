// Package bus carries audio from the media path to its analysis over NATS JetStream: a log of what was said (AUDIO), a work queue of attempts
// to be analysed (JOBS), and news for whoever listens now (feedback). The NATS server is a remote one, or one inside this process; the code is the same.
//
// A message is acknowledged to the tap once JetStream has it. A SIGKILL of the process that holds the server then loses nothing that the kernel
// was handed; what the tap had not published yet, a tenth of a second, is lost with it. A power cut may lose what the disk had not synced.
package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// Config of a bus. A zero field means the default in brackets.
type Config struct {
	URL       string        // of a NATS server with JetStream; empty: one inside this process
	Dir       string        // where the server inside this process keeps its files
	MaxBytes  int64         // of audio in the log [8 GiB]
	IdleEnd   time.Duration // an attempt whose tap has been silent for so long is taken as ended [20 s]
	AckWait   time.Duration // a claim that was not kept alive for so long goes to another worker [10 s]
	BatchTime time.Duration // how long a tap gathers frames [100 ms]
	Heartbeat time.Duration // how often a tap without frames shows that it lives [5 s]
}

func (c Config) withDefaults() Config {
	c.MaxBytes = cmp.Or(c.MaxBytes, 8<<30)
	c.IdleEnd = cmp.Or(c.IdleEnd, 20*time.Second)
	c.AckWait = cmp.Or(c.AckWait, 10*time.Second)
	c.BatchTime = cmp.Or(c.BatchTime, 100*time.Millisecond)
	c.Heartbeat = cmp.Or(c.Heartbeat, 5*time.Second)
	return c
}

const (
	audioStream  = "AUDIO"
	jobStream    = "JOBS"
	workers      = "workers" // the consumer that all workers share
	maxAudioAge  = 7 * 24 * time.Hour
	startLimit   = 15 * time.Second
	publishLimit = 5 * time.Second
)

// Bus is a connection to NATS, with the server when that is in this process. App opens and closes it. Safe for concurrent use.
type Bus struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	server  *server.Server // nil when remote
	conn    *nats.Conn
	js      jetstream.JetStream
	audio   jetstream.Stream
	jobs    jetstream.Consumer
	ctx     context.Context // ends when Close gives up waiting
	cancel  context.CancelFunc

	mu   sync.Mutex
	taps map[string]*tap // by attempt; guarded by mu
}

// Open connects, starting the server inside this process first if there is no URL, and makes the streams. The registerer may be nil.
func Open(ctx context.Context, cfg Config, log *slog.Logger, reg prometheus.Registerer) (b *Bus, err error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.Background())
	b = &Bus{cfg: cfg.withDefaults(), log: log, metrics: m, ctx: life, cancel: cancel, taps: map[string]*tap{}}
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
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("NATS connection is back") }),
	}
	if b.cfg.URL == "" {
		s, err := startServer(b.cfg.Dir)
		if err != nil {
			return err
		}
		b.server = s
		options = append(options, nats.InProcessServer(s))
	}
	conn, err := nats.Connect(b.cfg.URL, options...)
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	b.conn = conn
	b.js, err = jetstream.New(conn)
	return err
}

func startServer(dir string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{ServerName: "bedside", DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		return nil, fmt.Errorf("NATS inside this process: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(startLimit) {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("NATS inside this process was not ready within %v; its files are in %s", startLimit, dir)
	}
	return s, nil
}

// prepare makes the streams and the workers' consumer, or brings them up to date.
func (b *Bus) prepare(ctx context.Context) (err error) {
	if b.js == nil {
		return nil // connect has failed and said so
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	b.audio, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: audioStream, Description: "What is said in plays, until it is reported", Subjects: []string{frame.AudioSubjects},
		Storage: jetstream.FileStorage, MaxBytes: b.cfg.MaxBytes, MaxAge: maxAudioAge, MaxMsgSize: frame.MaxBatch, Duplicates: 2 * time.Minute,
	})
	if err != nil {
		return fmt.Errorf("NATS stream %s: %w", audioStream, err)
	}
	jobs, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: jobStream, Description: "Attempts to be analysed", Subjects: []string{frame.JobSubjects},
		Storage: jetstream.FileStorage, Retention: jetstream.WorkQueuePolicy,
		// One job for an attempt at a time: a second request while it waits or runs is refused by the stream.
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, Duplicates: 2 * time.Minute,
	})
	if err != nil {
		return fmt.Errorf("NATS stream %s: %w", jobStream, err)
	}
	b.jobs, err = jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: workers, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.cfg.AckWait, MaxAckPending: -1,
	})
	if err != nil {
		return fmt.Errorf("NATS consumer %s: %w", workers, err)
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

// Close flushes and ends the taps, disconnects, then stops the server if it is ours. When ctx ends first, what is left in taps is lost.
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
	b.cancel()
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
