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
	dropped   int // frames that the log records as dropped

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
		if err := v.ogg.WritePacket(p.Payload, p.Samples); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
		if err := v.analyzer.Write(v.decoder.Decode(p)); err != nil {
			return err
		}
	}
	return nil
}

// finish fills the time line up to end, completes the recording and sets result.
func (v *voice) finish(end time.Duration) error {
	if err := v.play(v.assembler.FlushTo(end)); err != nil {
		return err
	}
	if err := v.analyzer.Write(v.decoder.Flush()); err != nil {
		return err
	}
	v.result = v.analyzer.Finish()
	if err := errors.Join(v.ogg.Close(), v.buffer.Flush()); err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	return nil
}

// report returns the voice's part of the report. The caller has called finish.
func (v *voice) report(s store.Speaker) store.SpeakerReport {
	n := v.assembler.Counts().Add(v.decoder.Counts())
	return store.SpeakerReport{
		Speaker: s, Analysis: v.result.Analysis, Peaks: v.result.Peaks,
		Frames: store.FrameCounts{
			Received: n.Received, Analysed: n.Analysed, Lost: n.Lost, Recovered: n.Recovered,
			Concealed: n.Concealed, Duplicated: n.Duplicated, Late: n.Late, Corrupt: n.Corrupt,
			Dropped: v.dropped,
		},
	}
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
