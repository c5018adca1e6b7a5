package speech

import (
	"errors"
	"fmt"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store"
)

// conversation is the analysis of one attempt in progress. It belongs to one goroutine.
type conversation struct {
	job    frame.Job
	spool  string
	voices map[store.Speaker]*voice
	causes *causes
	said   *dialogue
	holes  []int64 // places where the log lacks messages, in microseconds since 1970
	// begins is when the log begins, in microseconds since 1970, if what came before was lost
	begins int64
	begun  bool // the first message was added
	cut    bool // the log is incomplete before the first message
}

func newConversation(job frame.Job, spool string) (*conversation, error) {
	c := &conversation{
		job: job, spool: spool, voices: map[store.Speaker]*voice{},
		causes: newCauses(job.StartedAt.UnixMicro()),
		said:   newDialogue(job.StartedAt.UnixMicro()),
	}
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
	if !c.begun {
		c.begun, c.cut = true, d.Missing
	}
	if c.cut && c.begins == 0 { // the first messages may have no time
		c.begins = firstTime(d)
	}
	if d.Events != nil {
		err := c.addEvents(d.Events)
		if d.Missing {
			c.addHole(c.causes.last)
		}
		return err
	}
	if d.Missing && len(d.Batch.Frames) > 0 {
		c.addHole(d.Batch.Frames[0].Arrival)
	}
	v, err := c.voice(store.Speaker(d.Speaker))
	if err != nil {
		return err
	}
	v.dropped += d.Batch.Dropped
	v.unplaced += d.Batch.Dropped
	for _, f := range d.Batch.Frames {
		if f.IsPadding() {
			c.causes.addTime(f.Arrival)
		} else {
			c.causes.addFrame(store.Speaker(d.Speaker), f.Arrival)
		}
		v.sent.addFrame(f)
		if err := v.play(v.assembler.Push(f)); err != nil {
			return err
		}
	}
	return nil
}

// firstTime returns when the first frame of a message arrived, or its first event came; 0 if it
// has neither.
func firstTime(d frame.Delivery) int64 {
	if d.Events == nil && len(d.Batch.Frames) > 0 {
		return d.Batch.Frames[0].Arrival
	}
	for _, e := range d.Events {
		switch e := e.(type) {
		case event.Alive:
			return e.At
		case event.Changed:
			return e.At
		}
	}
	return 0
}

// maxHoles is the largest number of holes that are kept. Those behind count as lost connections.
const maxHoles = 1000

// addHole adds that messages are missing from the log before one of this time.
func (c *conversation) addHole(at int64) {
	if len(c.holes) < maxHoles {
		c.holes = append(c.holes, at)
	}
}

// addEvents takes the events of one message of the log.
func (c *conversation) addEvents(events []event.Event) error {
	for _, e := range events {
		switch e := e.(type) {
		case event.Opened:
			c.causes.addOpened(e)
		case event.Moved: // the Opened of the next server begins the interruption here
			c.causes.addTime(e.At)
		case event.Alive:
			c.causes.addTime(e.At)
		case event.Changed:
			c.causes.addChanged(e)
		case event.Stream:
			v, err := c.voice(store.Speaker(e.Speaker))
			if err != nil {
				return err
			}
			v.sent.addStream(e)
		case event.Sent:
			if v, ok := c.voices[store.Speaker(e.Speaker)]; ok {
				v.sent.addSent(e)
			}
		default:
			c.said.add(e)
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
		v.explain(c.holes, c.job.StartedAt)
		r.Speakers = append(r.Speakers, v.report(s, c.known(s)))
	}
	for i := range r.Speakers {
		var other []store.Span
		for k := range r.Speakers {
			if k != i {
				other = r.Speakers[k].Occupied()
			}
		}
		c.voices[r.Speakers[i].Speaker].measure(&r.Speakers[i], other)
	}
	r.DurationS = end.Seconds()
	r.PlayS = r.DurationS - c.stopped(r.DurationS)
	r.Turns = turns(r.Speakers)
	r.Conversation = c.said.conversation()
	return r, nil
}

// problemNothingArrived is the problem of an attempt of which no frame is in the log although
// clients have sent some.
const problemNothingArrived = "What was said did not reach the analysis: no sound of it arrived. " +
	"Please check the connection in the green room and play the scenario again."

// lost returns the problem of an attempt of which nothing was analysed although something was
// sent, or "".
func (c *conversation) lost(r store.Report) string {
	sent := 0
	for _, s := range r.Speakers {
		if s.Frames.Analysed > 0 {
			return ""
		}
		sent += s.Frames.Sent
	}
	if sent > 0 {
		return problemNothingArrived
	}
	return ""
}

// known returns what the log's events say of a speaker's interruptions, on the time line.
func (c *conversation) known(who store.Speaker) []store.Interruption {
	var list []store.Interruption
	start := c.job.StartedAt.UnixMicro()
	if c.begins > start {
		list = append(list, store.Interruption{
			ToS: float64(c.begins-start) / 1e6, Cause: store.CauseStorage,
		})
	}
	for _, i := range c.causes.of(who) {
		list = append(list, store.Interruption{
			FromS: float64(i.from-start) / 1e6, ToS: float64(i.to-start) / 1e6, Cause: i.cause,
		})
	}
	return list
}

// stopped returns for how long the play's clock did not run, in seconds.
func (c *conversation) stopped(end float64) float64 {
	var spans []store.Span
	for _, i := range c.known(store.SpeakerCandidate) {
		if i.Cause == store.CauseClockStopped || i.Cause == store.CauseServerRestarted {
			spans = append(spans, store.Span{StartS: max(i.FromS, 0), EndS: min(i.ToS, end)})
		}
	}
	total := 0.0
	for _, s := range store.Union(spans) {
		total += s.EndS - s.StartS
	}
	return total
}

// close removes the files of all voices.
func (c *conversation) close() error {
	var errs []error
	for _, v := range c.voices {
		errs = append(errs, v.close())
	}
	return errors.Join(errs...)
}
