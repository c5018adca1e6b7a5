package speech

import (
	"errors"
	"fmt"
	"time"

	"bedside/speech/frame"
	"bedside/store"
)

// conversation is the analysis of one attempt in progress. It belongs to one goroutine.
type conversation struct {
	job    frame.Job
	spool  string
	voices map[store.Speaker]*voice
}

func newConversation(job frame.Job, spool string) (*conversation, error) {
	c := &conversation{job: job, spool: spool, voices: map[store.Speaker]*voice{}}
	// A candidate who says nothing gets a report too.
	_, err := c.voice(store.SpeakerCandidate)
	return c, err
}

// voice returns a speaker's voice and creates it the first time.
func (c *conversation) voice(s store.Speaker) (*voice, error) {
	if v, ok := c.voices[s]; ok {
		return v, nil
	}
	if s != store.SpeakerCandidate && s != store.SpeakerPatient {
		return nil, fmt.Errorf("unknown speaker %.40q", s)
	}
	v, err := newVoice(c.job.StartedAt, c.spool)
	if err != nil {
		return nil, err
	}
	c.voices[s] = v
	return v, nil
}

// add analyses one message of the log.
func (c *conversation) add(d frame.Delivery) error {
	v, err := c.voice(store.Speaker(d.Speaker))
	if err != nil {
		return err
	}
	v.dropped += d.Batch.Dropped
	for _, f := range d.Batch.Frames {
		if err := v.play(v.assembler.Push(f)); err != nil {
			return err
		}
	}
	return nil
}

// report brings all voices to the same length, finishes them and returns the report.
func (c *conversation) report() (store.Report, error) {
	r := store.Report{AttemptID: c.job.AttemptID, StartedAt: c.job.StartedAt}
	var end time.Duration
	for _, v := range c.voices {
		if err := v.play(v.assembler.Flush()); err != nil {
			return r, err
		}
		end = max(end, v.assembler.Duration())
	}
	for _, s := range []store.Speaker{store.SpeakerCandidate, store.SpeakerPatient} {
		v, ok := c.voices[s]
		if !ok {
			continue
		}
		if err := v.finish(end); err != nil {
			return r, err
		}
		r.Speakers = append(r.Speakers, v.report(s))
	}
	r.DurationS = end.Seconds()
	r.Turns = turns(r.Speakers)
	return r, nil
}

// close removes the files of all voices.
func (c *conversation) close() error {
	var errs []error
	for _, v := range c.voices {
		errs = append(errs, v.close())
	}
	return errors.Join(errs...)
}
