package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go/jetstream"
)

// Error codes of JetStream for streams whose files it cannot use.
const (
	storeUnusable jetstream.ErrorCode = 10049 // it cannot create the store of a stream
	streamOffline jetstream.ErrorCode = 10194 // it has stopped a stream with damaged consumers
)

// openStreams creates the streams or updates them. When files of the server inside this process
// are damaged, so that a stream cannot be used, it makes that stream anew. What the server itself
// can repair, by leaving out what is damaged, it has repaired at its start.
func (b *Bus) openStreams(ctx context.Context) (err error) {
	if b.embedded == nil {
		b.streams, err = b.createStreams(ctx, true)
		return err
	}
	for _, c := range []jetstream.StreamConfig{b.audioConfig(), jobConfig(), reportConfig()} {
		// The consumers' files first: with those gone the messages may be usable.
		for _, files := range []string{filepath.Join(c.Name, "obs"), c.Name} {
			_, err := b.createStream(ctx, c, true)
			if !isUnusable(err) {
				break
			}
			b.log.Error("damaged files of NATS are removed", "files", files, "error", err)
			if err := b.embedded.removeFiles(files); err != nil {
				return fmt.Errorf("remove damaged files of NATS: %w", err)
			}
		}
	}
	if b.streams, err = b.createStreams(ctx, true); err != nil {
		return err
	}
	return b.mendJobs(ctx)
}

// isUnusable reports whether JetStream cannot use the files of a stream.
func isUnusable(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == storeUnusable || api.ErrorCode == streamOffline)
}

// removeFiles stops the server, removes files below those of its streams and starts it again.
func (e *embedded) removeFiles(name string) error {
	e.stop()
	err := os.RemoveAll(filepath.Join(e.dir, "jetstream", "$G", "streams", name))
	return errors.Join(err, e.restart())
}

// mendJobs makes the stream of jobs anew when it counts jobs that cannot be read: they would not
// be delivered, nor others for the same attempts be accepted. Jobs that can be read are kept.
// Those that are lost are queued again, as for any attempt in analysis without a job.
func (b *Bus) mendJobs(ctx context.Context) error {
	ids, err := b.Jobs(ctx)
	if err != nil {
		return err
	}
	var jobs []frame.Job
	for _, id := range ids {
		m, err := b.queue.GetLastMsgForSubject(ctx, frame.JobSubject(id))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("job of attempt %s: %w", id, err)
		}
		if job, err := frame.ParseJob(m.Data); err == nil {
			jobs = append(jobs, job)
		}
	}
	if len(jobs) == len(ids) {
		return nil
	}
	b.log.Error("the stream of jobs is damaged and is made anew", "jobs", len(ids),
		"readable", len(jobs))
	if err := b.js.DeleteStream(ctx, jobStream); err != nil {
		return fmt.Errorf("delete the damaged stream of jobs: %w", err)
	}
	if err := wait.For(ctx, missingPause); err != nil {
		return err
	}
	if b.streams, err = b.createStreams(ctx, false); err != nil {
		return err
	}
	for _, job := range jobs {
		if err := b.Requeue(ctx, job); err != nil {
			return err
		}
	}
	return nil
}
