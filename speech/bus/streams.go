package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streams are the streams and the consumer that a bus uses.
type streams struct {
	audio   jetstream.Stream
	queue   jetstream.Stream   // jobs
	jobs    jetstream.Consumer // of queue
	reports jetstream.Stream   // announcements of reports
}

// createStreams creates the streams and the workers' consumer. With update set, it updates the
// configuration of streams that exist.
func (b *Bus) createStreams(ctx context.Context, update bool) (s streams, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = b.askAgain(ctx, func(ctx context.Context) error {
		_, err := b.js.AccountInfo(ctx)
		return err
	})
	if err != nil {
		return s, fmt.Errorf("%s: JetStream: %w", b.serverName(), err)
	}
	if s.audio, err = b.createStream(ctx, b.audioConfig(), update); err != nil {
		return s, err
	}
	if s.queue, err = b.createStream(ctx, jobConfig(), update); err != nil {
		return s, err
	}
	err = b.askAgain(ctx, func(ctx context.Context) (err error) {
		s.jobs, err = s.queue.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: workers, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.cfg.AckWait,
			MaxAckPending: -1, FilterSubject: frame.JobSubject("*"),
		})
		return err
	})
	if err != nil {
		return s, fmt.Errorf("NATS consumer %s: %w", workers, err)
	}
	s.reports, err = b.createStream(ctx, reportConfig(), update)
	return s, err
}

// createStream creates a stream, or updates its configuration. The messages of a new stream are
// numbered from the time of now, so that a stream made again never uses a number twice: workers
// name jobs and places in the log by these numbers.
func (b *Bus) createStream(ctx context.Context, c jetstream.StreamConfig, update bool) (
	jetstream.Stream, error) {
	c.Replicas = b.cfg.Replicas // the consumer has as many
	var s jetstream.Stream
	err := b.askAgain(ctx, func(ctx context.Context) (err error) {
		s, err = b.js.Stream(ctx, c.Name)
		switch {
		case err == nil && update:
			have := s.CachedInfo().Config
			if want := changed(have, c); !reflect.DeepEqual(have, want) {
				s, err = b.js.UpdateStream(ctx, want)
			}
		case errors.Is(err, jetstream.ErrStreamNotFound):
			if !update {
				b.log.Error("a stream is made again, because it is missing: what it held is lost",
					"stream", c.Name)
			}
			c.FirstSeq = uint64(time.Now().UnixMicro())
			s, err = b.js.CreateStream(ctx, c)
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // by another process, just now
			s, err = b.js.Stream(ctx, c.Name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("NATS stream %s: %w", c.Name, err)
	}
	return s, nil
}

// askAgain calls ask, which asks JetStream for something, until it succeeds or fails for good. A
// NATS cluster leaves requests unanswered while it has no leader, and when several processes ask
// it at the same time to create the same stream.
func (b *Bus) askAgain(ctx context.Context, ask func(context.Context) error) error {
	for {
		limited, cancel := context.WithTimeout(ctx, answerTimeout)
		err := ask(limited)
		cancel()
		passes := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
			errors.Is(err, jetstream.ErrStreamNotFound)
		if !passes || wait.For(ctx, retryPause) != nil {
			return err
		}
	}
}

// changed returns the configuration of a stream with what Bedside sets. It leaves the rest alone.
func changed(have, set jetstream.StreamConfig) jetstream.StreamConfig {
	have.Description, have.Subjects = set.Description, set.Subjects
	have.Retention, have.Storage = set.Retention, set.Storage
	have.Discard, have.DiscardNewPerSubject = set.Discard, set.DiscardNewPerSubject
	have.MaxMsgsPerSubject = set.MaxMsgsPerSubject
	have.Replicas = cmp.Or(set.Replicas, have.Replicas)
	have.MaxBytes = cmp.Or(set.MaxBytes, have.MaxBytes)
	have.MaxAge = cmp.Or(set.MaxAge, have.MaxAge)
	have.MaxMsgSize = cmp.Or(set.MaxMsgSize, have.MaxMsgSize)
	have.Duplicates = cmp.Or(set.Duplicates, have.Duplicates)
	return have
}

func (b *Bus) audioConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        audioStream,
		Description: "What is said in plays, until it is reported",
		Subjects:    []string{frame.AudioSubjects},
		Storage:     jetstream.FileStorage,
		MaxBytes:    b.cfg.MaxBytes,
		MaxAge:      b.cfg.MaxAge,
		MaxMsgSize:  frame.MaxBatch,
		Duplicates:  2 * time.Minute,
		// A full log refuses new speech: it does not evict that of other attempts.
		Discard:              jetstream.DiscardNew,
		MaxMsgsPerSubject:    maxSubjectMessages,
		DiscardNewPerSubject: true,
	}
}

func jobConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        jobStream,
		Description: "Attempts to be analysed",
		Subjects:    []string{frame.JobSubjects},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.WorkQueuePolicy,
		// The stream refuses a second job for an attempt while the first waits or runs.
		MaxMsgsPerSubject:    1,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		Duplicates:           2 * time.Minute,
	}
}

func reportConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              reportStream,
		Description:       "The latest announcement of each attempt's report",
		Subjects:          []string{frame.ReportReadySubjects},
		Storage:           jetstream.FileStorage,
		MaxMsgsPerSubject: 1,
		MaxAge:            maxReportAge,
		MaxBytes:          maxReportBytes,
	}
}
