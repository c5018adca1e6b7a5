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
	// ErrListener is returned for a participant that joined with Config.Listen.
	ErrListener = errors.New("this participant only listens")
	// ErrSpeaking is returned while an earlier call of Speak runs.
	ErrSpeaking = errors.New("this participant is speaking already")
)

// PacketSource is a sequence of Opus packets. Next returns a packet, which is valid until the next
// call, its duration in samples at 48 kHz, and its level as in RTP: in dB below full scale, so
// that 0 is the loudest and 127 is silence. After the last packet it returns io.EOF.
type PacketSource interface {
	Next() (packet []byte, samples48k int, level uint8, err error)
}

// Stamper is a PacketSource that writes into each packet just before it is sent, such as the time.
type Stamper interface {
	Stamp(packet []byte)
}

const (
	maxPacket  = 1400     // bytes that fit into a datagram
	longestGap = 120 * 48 // samples of the longest Opus packet
	// a speaker that is further behind pauses instead of catching up
	maxLag  = time.Second
	transit = 250 * time.Millisecond // enough for a packet to arrive
)

// Speak sends packets in real time: each is sent when the ones before it have been played to the
// end, on a schedule that does not drift. It starts when the media is connected and returns when
// the last packet has been played to its end. Packets are withheld while the participant is muted
// and lost while the media is lost, as with a microphone. Only one call may run at a time.
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
	start, sent := time.Now(), 0
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
		at := start.Add(duration(sent))
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
			c.cfg.Log.Warn("speaking is behind schedule; pausing", "behind", late)
		}
		if stamper != nil {
			stamper.Stamp(packet)
		}
		if err := c.media.voice.send(packet, samples, level,
			c.state.snapshot().Muted); err != nil {
			c.cfg.Log.Debug("a packet was not sent", "error", err)
		}
		sent += samples
	}
}

// waitForLastPacket waits until the last packet can have arrived, so that a message on the socket
// does not overtake it.
func (c *Client) waitForLastPacket(ctx context.Context) error {
	if c.media.voice == nil {
		return nil
	}
	last := c.media.voice.lastSent()
	if left := transit - time.Since(last); !last.IsZero() && left > 0 {
		return wait.For(ctx, left)
	}
	return nil
}
