package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"bedside/store/wait"
)

// Errors of Speak.
var (
	ErrListener = errors.New("this participant only listens")
	ErrSpeaking = errors.New("this participant is speaking already")
)

// PacketSource gives Opus packets to speak. Next gives a packet, valid until the next call, its
// duration in samples of 48 kHz, and its level as RTP has it: 0 is the loudest, 127 silence, in
// dB below full scale. After the last packet it gives io.EOF.
type PacketSource interface {
	Next() (packet []byte, samples48k int, level uint8, err error)
}

// Stamper is a PacketSource that writes into each packet just before it is sent, such as the time.
type Stamper interface {
	Stamp(packet []byte)
}

const (
	maxPacket  = 1400     // bytes: what a datagram holds
	longestGap = 120 * 48 // samples: the longest packet of Opus
	// a speaker that is further behind makes a pause instead of catching up
	maxLag   = time.Second
	settling = 250 * time.Millisecond
)

// Speak speaks in real time: each packet leaves when the ones before it have been heard to the
// end, on a schedule that does not drift. It begins when the media stands, and returns when the
// last packet has been spoken to its end. While the participant is muted packets are withheld,
// and while the connection is lost they are lost, as with a microphone. One at a time.
func (c *Client) Speak(ctx context.Context, src PacketSource) error {
	if c.media.voice == nil {
		return ErrListener
	}
	if !c.speaking.TryLock() {
		return ErrSpeaking
	}
	defer c.speaking.Unlock()
	if err := c.Connected(ctx); err != nil {
		return err
	}
	stamper, _ := src.(Stamper)
	due := time.NewTimer(0)
	defer due.Stop()
	start, said := time.Now(), 0
	c.media.voice.begin(start)
	for n := 0; ; n++ {
		packet, samples, level, err := src.Next()
		if err == nil &&
			(len(packet) == 0 || len(packet) > maxPacket || samples <= 0 || samples > longestGap) {
			err = fmt.Errorf("%d bytes for %d samples cannot be sent", len(packet), samples)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("packet %d: %w", n, err)
		}
		at := start.Add(duration(said))
		due.Reset(time.Until(at))
		select {
		case <-due.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.done:
			return c.ended()
		}
		if err != nil {
			return nil
		}
		if late := time.Since(at); late > maxLag {
			start = start.Add(late)
			c.media.voice.begin(time.Now())
			c.cfg.Log.Warn("speaking is behind its time: a pause is made", "behind", late)
		}
		if stamper != nil {
			stamper.Stamp(packet)
		}
		if err := c.media.voice.send(packet, samples, level,
			c.state.snapshot().Muted); err != nil {
			c.cfg.Log.Debug("a packet was not sent", "error", err)
		}
		said += samples
	}
}

// settle waits until what was said last can have arrived, so that a message on the socket does
// not overtake it.
func (c *Client) settle(ctx context.Context) error {
	if c.media.voice == nil {
		return nil
	}
	last := c.media.voice.quietSince()
	if left := settling - time.Since(last); !last.IsZero() && left > 0 {
		return wait.For(ctx, left)
	}
	return nil
}
