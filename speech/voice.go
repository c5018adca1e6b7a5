package speech

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"bedside/speech/dsp"
	"bedside/speech/opus"
	"bedside/store"
)

// voice is the analysis of one speaker in progress. Recorder and decoder get the same packets, so
// that an analysis of the recording has the same result. A voice belongs to its conversation.
type voice struct {
	assembler *opus.Assembler
	decoder   *opus.Decoder
	analyzer  *dsp.Analyzer
	sent      sentCounts
	dropped   int   // frames that the log records as dropped
	gaps      []gap // of at least leastGap
	gap       gap   // of now; empty: none
	unplaced  int   // dropped frames whose gap has not come yet

	file   *os.File // the recording; close removes it
	buffer *bufio.Writer
	ogg    *opus.OggWriter
	result dsp.Result
}

func newVoice(start time.Time, spool string) (v *voice, err error) {
	v = &voice{assembler: opus.NewAssembler(start), analyzer: dsp.NewAnalyzer()}
	if v.decoder, err = opus.NewDecoder(); err != nil {
		return nil, err
	}
	if v.file, err = os.CreateTemp(spool, "bedside-recording-*.ogg"); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	v.buffer = bufio.NewWriter(v.file)
	if v.ogg, err = opus.NewOggWriter(v.buffer); err != nil {
		return nil, errors.Join(err, v.close())
	}
	return v, nil
}

// play records, decodes and measures packets.
func (v *voice) play(packets []opus.Packet) error {
	for _, p := range packets {
		v.noteGap(p)
		if err := v.ogg.WritePacket(p.Payload, p.Samples); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
		if err := v.analyzer.Write(v.decoder.Decode(p)); err != nil {
			return err
		}
	}
	return nil
}

// noteGap follows the gaps between the frames.
func (v *voice) noteGap(p opus.Packet) {
	start := float64(p.Start) / opus.ClockRate
	if !p.Filler {
		v.endGap(start)
		return
	}
	if v.gap.EndS == 0 {
		v.gap.StartS = start
	}
	v.gap.EndS = start + float64(p.Samples)/opus.ClockRate
	v.gap.lost += p.Lost
}

// endGap ends the gap of now, if there is one.
func (v *voice) endGap(at float64) {
	g := v.gap
	v.gap = gap{}
	if g.EndS == 0 {
		return
	}
	if g.EndS = at; g.lost > 0 && v.unplaced > 0 {
		g.dropped, v.unplaced = true, 0
	}
	if g.EndS-g.StartS >= leastGap {
		v.gaps = append(v.gaps, g)
	}
}

// finish fills the time line up to end, completes the recording and sets result.
func (v *voice) finish(end time.Duration) error {
	if err := v.play(v.assembler.FlushTo(end)); err != nil {
		return err
	}
	if err := v.analyzer.Write(v.decoder.Flush()); err != nil {
		return err
	}
	v.endGap(end.Seconds())
	v.result = v.analyzer.Finish()
	if err := errors.Join(v.ogg.Close(), v.buffer.Flush()); err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	return nil
}

// nearHole is how far behind the end of a gap the message may be that shows a hole in the log:
// those of the other speaker and heartbeats come now and then.
const nearHole = 6.0

// explain marks the gaps that come from holes in the log.
func (v *voice) explain(holes []int64, start time.Time) {
	for _, at := range holes {
		s := float64(at-start.UnixMicro()) / 1e6
		for i := range v.gaps {
			g := &v.gaps[i]
			if g.lost > 0 && g.StartS <= s && s <= g.EndS+nearHole {
				g.dropped = true
			}
		}
	}
}

// report returns the voice's part of the report, in which the interruptions are not measured. The
// caller has called finish.
func (v *voice) report(who store.Speaker, known []store.Interruption) store.SpeakerReport {
	r := store.SpeakerReport{Speaker: who, Peaks: v.result.Peaks}
	end := v.result.DurationS
	r.Interruptions = evidence{known, v.gaps, v.result.Speech, end}.interruptions()
	r.TooLittleLeft = tooLittleLeft(r.Interruptions, end)
	r.Frames = v.frames(r.Cut())
	v.result.Exclude(r.Cut(), nil)
	r.Analysis = v.result.Analysis
	return r
}

// measure completes the voice's part of the report. other holds the times in which the other
// speaker spoke or was away.
func (v *voice) measure(r *store.SpeakerReport, other []store.Span) {
	v.result.Exclude(r.Cut(), other)
	r.Analysis = v.result.Analysis
	if r.TooLittleLeft {
		r.Analysis.Measures, r.Analysis.Pauses = store.Measures{}, []store.Span{}
	}
}

// frames counts the frames. Those missing in an interruption are lost, others concealed.
func (v *voice) frames(cut []store.Span) store.FrameCounts {
	n := v.assembler.Counts().Add(v.decoder.Counts())
	lost := 0
	for _, g := range v.gaps {
		if left := store.NewTiming([]store.Span{g.Span}, cut, nil).Runs; len(left) == 0 ||
			left[0] != g.Span {
			lost += g.lost
		}
	}
	f := store.FrameCounts{
		Received: n.Received, Analysed: n.Analysed, Concealed: n.Lost - lost,
		Lost: lost + n.Corrupt + n.Unplaced + v.sent.unseen(), Recovered: n.Recovered,
		Duplicated: n.Duplicated, Late: n.Late, Corrupt: n.Corrupt, Dropped: v.dropped,
	}
	f.Recovered = min(f.Recovered, f.Concealed)
	f.Sent = f.Analysed + f.Concealed + f.Lost
	return f
}

// rewind sets the recording's file to its start, for reading.
func (v *voice) rewind() error {
	_, err := v.file.Seek(0, io.SeekStart)
	return err
}

// close closes and removes the recording's file.
func (v *voice) close() error {
	return errors.Join(v.file.Close(), os.Remove(v.file.Name()))
}
