package bus

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Logged describes what the log holds of one attempt.
type Logged struct {
	AttemptID string
	Messages  int64
	FirstAt   time.Time // of the first message, by the clock of the NATS server
	LastAt    time.Time // of the latest message, likewise
	Ended     bool      // the end marker is there: the media server writes nothing more
}

// Logged returns the attempts of which the log holds anything, in the order of their ids. It asks
// the server twice for each attempt, so it is meant for jobs that run now and then.
func (b *Bus) Logged(ctx context.Context) ([]Logged, error) {
	info, err := b.audio.Info(ctx, jetstream.WithSubjectFilter(frame.AudioSubjects))
	if err != nil {
		return nil, fmt.Errorf("attempts in the log: %w", err)
	}
	found := map[string]*Logged{}
	for subject, messages := range info.State.Subjects {
		kind, _, err := frame.ParseAudioSubject(subject)
		if err != nil {
			continue // not Bedside's
		}
		id := strings.Split(subject, ".")[1]
		l := cmp.Or(found[id], &Logged{AttemptID: id})
		l.Messages += int64(messages)
		l.Ended = l.Ended || kind == frame.KindEnd
		found[id] = l
	}
	list := make([]Logged, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		subjects := frame.AttemptSubjects(id)
		first, err := b.audio.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subjects))
		var last *jetstream.RawStreamMsg
		if err == nil {
			last, err = b.audio.GetLastMsgForSubject(ctx, subjects)
		}
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("first and last message of attempt %s: %w", id, err)
		}
		found[id].FirstAt, found[id].LastAt = first.Time, last.Time
		list = append(list, *found[id])
	}
	return list, nil
}

// Jobs returns the ids of the attempts that have a job, waiting or claimed, in their order.
func (b *Bus) Jobs(ctx context.Context) ([]string, error) {
	info, err := b.queue.Info(ctx, jetstream.WithSubjectFilter(frame.JobSubjects))
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	var ids []string
	for _, subject := range slices.Sorted(maps.Keys(info.State.Subjects)) {
		if id := strings.TrimPrefix(subject, frame.JobSubject("")); frame.ValidToken(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// HasJob reports whether an attempt has a job, waiting or claimed.
func (b *Bus) HasJob(ctx context.Context, attemptID string) (bool, error) {
	if err := checkAttempt(attemptID); err != nil {
		return false, err
	}
	_, err := b.queue.GetLastMsgForSubject(ctx, frame.JobSubject(attemptID))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("job of attempt %s: %w", attemptID, err)
	}
	return true, nil
}

// Requeue publishes an attempt's job again, with no tries used, after it was ended or lost. When
// the attempt has a job, Requeue changes nothing.
func (b *Bus) Requeue(ctx context.Context, job frame.Job) error {
	// With a new message id: the server still knows that of the first job for a while, and would
	// drop this one as its duplicate.
	return b.publishJob(ctx, job, rand.Text())
}

// publishJob publishes a job, unless the attempt has one. It retries until ctx ends.
func (b *Bus) publishJob(ctx context.Context, job frame.Job, id string) error {
	if err := checkAttempt(job.AttemptID); err != nil {
		return err
	}
	data, err := json.Marshal(job)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: frame.JobSubject(job.AttemptID), Data: data}
	if err := b.publish(ctx, m, id); err != nil && !isDuplicate(err) {
		return fmt.Errorf("publish the job of attempt %s: %w", job.AttemptID, err)
	}
	return nil
}

// Forget ends an attempt's job, if it has one, and removes its audio from the log. A worker that
// has claimed the job learns of it at the end of the log (frame.ErrJobEnded).
func (b *Bus) Forget(ctx context.Context, attemptID string) error {
	if err := checkAttempt(attemptID); err != nil {
		return err
	}
	// The job first, as in Claim.Done: never a job without its audio.
	if err := b.queue.Purge(ctx,
		jetstream.WithPurgeSubject(frame.JobSubject(attemptID))); err != nil {
		return fmt.Errorf("end the job of attempt %s: %w", attemptID, err)
	}
	return b.removeAudio(ctx, attemptID)
}

// removeAudio removes everything that the log holds of an attempt.
func (b *Bus) removeAudio(ctx context.Context, attemptID string) error {
	if err := b.audio.Purge(ctx,
		jetstream.WithPurgeSubject(frame.AttemptSubjects(attemptID))); err != nil {
		return fmt.Errorf("remove the audio of attempt %s: %w", attemptID, err)
	}
	return nil
}

// checkAttempt returns an error for an attempt id that is not allowed in a subject.
func checkAttempt(id string) error {
	if !frame.ValidToken(id) {
		return fmt.Errorf("attempt id %.80q is not allowed in a subject", id)
	}
	return nil
}
