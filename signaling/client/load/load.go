// Package load runs a load test: it fills rooms with participants of package client, lets them
// send audio, and measures how long joins and packets take and how many packets are lost.
package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/protocol"
	"bedside/store/wait"

	"github.com/pion/rtp"
	"golang.org/x/sync/errgroup"
)

// Limits of a load.
const (
	MaxRooms        = 1000
	MaxParticipants = 8
	MaxSignIns      = 1000 // a second
)

const (
	entering  = 8 // rooms that are filled at the same time
	joinLimit = 30 * time.Second
	endLimit  = 30 * time.Second
	// retryPause is the pause before a join at another server.
	retryPause = 200 * time.Millisecond
	drainTime  = 2 * time.Second // packets that arrive later count as lost
)

// ErrConfig is returned for an invalid Config.
var ErrConfig = errors.New("load")

// Config configures a load test. In each room the first participant is the candidate, the second
// is the patient, and the others are observers.
type Config struct {
	Rooms, Participants int
	Duration            time.Duration // of speaking
	// Packets is what everybody sends, repeatedly: Opus packets of one 20 ms frame.
	Packets  [][]byte
	Scenario string // slug of the role play

	// SignIns is the number of sign-ins per second while everybody speaks; 0 means none. SignIn
	// makes the i-th and returns its HTTP status.
	SignIns int
	SignIn  func(ctx context.Context, i int) (status int, err error)

	Candidate *client.REST // signed in; owns the attempts
	Tutor     *client.REST // signed in; takes the other roles

	// CPU returns the CPU time that the server's process has used so far; nil if unknown.
	CPU func(context.Context) (seconds float64, err error)
	// Progress is called about every second and when the stage changes; may be nil.
	Progress func(Progress)
	Log      *slog.Logger
}

// Progress is the progress of a load test.
type Progress struct {
	Stage          Stage
	Joined, Failed int           // participants
	Left           time.Duration // remaining time of speaking
}

// Stage is a stage of a load test.
type Stage string

// The stages, in order.
const (
	Joining  Stage = "joining"
	Speaking Stage = "speaking"
	Leaving  Stage = "leaving"
)

// run is one load test. Each room is filled and emptied by a goroutine of its own.
type run struct {
	cfg     Config
	packets [][]byte // with space for stamps
	clock   clock
	rooms   []*room
	signIns *SignIns // set after everybody has spoken

	mu        sync.Mutex // guards the fields below
	joined    int
	joins     histogram
	failures  map[string]int
	stage     Stage
	stageEnds time.Duration
}

// Run fills the rooms, lets everybody speak, empties the rooms and returns the measurements. When
// ctx ends early, it returns the measurements until then and the context's cause. It returns
// ErrConfig for an invalid configuration. Participants that fail are counted and are no error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r, err := newRun(cfg)
	if err != nil {
		return nil, err
	}
	stopProgress := r.follow()
	r.fill(ctx)
	spoken, cpu := r.speak(ctx)
	r.report(Leaving, 0)
	// Emptying the rooms is not interrupted: abandoned attempts would be analysed only after the
	// idle time.
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	r.empty(leaving)
	stopProgress()
	return r.result(spoken, cpu), context.Cause(ctx)
}

func newRun(cfg Config) (*run, error) {
	switch {
	case cfg.Rooms < 1 || cfg.Rooms > MaxRooms:
		return nil, fmt.Errorf("%w: %d rooms; 1 to %d are allowed", ErrConfig, cfg.Rooms,
			MaxRooms)
	case cfg.Participants < 1 || cfg.Participants > MaxParticipants:
		return nil, fmt.Errorf("%w: %d participants; 1 to %d are allowed", ErrConfig,
			cfg.Participants, MaxParticipants)
	case cfg.Duration <= 0:
		return nil, fmt.Errorf("%w: the duration must be positive", ErrConfig)
	case cfg.SignIns < 0 || cfg.SignIns > MaxSignIns || cfg.SignIns > 0 && cfg.SignIn == nil:
		return nil, fmt.Errorf("%w: %d sign-ins per second; up to %d are allowed", ErrConfig,
			cfg.SignIns, MaxSignIns)
	case len(cfg.Packets) == 0:
		return nil, fmt.Errorf("%w: there are no packets to send", ErrConfig)
	}
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &run{cfg: cfg, clock: clock{time.Now()}, failures: map[string]int{}}
	for i, p := range cfg.Packets {
		s, ok := stampable(p)
		if !ok {
			return nil, fmt.Errorf("%w: packet %d is not one frame of Opus", ErrConfig, i)
		}
		r.packets = append(r.packets, s)
	}
	for range cfg.Rooms {
		r.rooms = append(r.rooms, &room{run: r})
	}
	return r, nil
}

// fill makes everybody join, a few rooms at a time.
func (r *run) fill(ctx context.Context) {
	r.report(Joining, 0)
	var group errgroup.Group
	group.SetLimit(entering)
	for _, room := range r.rooms {
		group.Go(func() error { room.fill(ctx); return nil })
	}
	group.Wait()
}

// usage is the CPU time that the server's process used while everybody spoke.
type usage struct {
	seconds float64
	known   bool
}

// speak lets everybody speak and waits for the packets that are still on their way.
func (r *run) speak(ctx context.Context) (time.Duration, usage) {
	r.report(Speaking, r.cfg.Duration)
	before, known := r.cpu(ctx)
	signIns := r.startSignIns(ctx)
	began := r.clock.now()
	var group errgroup.Group
	for i, room := range r.rooms {
		// Real participants do not send in step.
		offset := 20 * time.Millisecond * time.Duration(i) / time.Duration(len(r.rooms))
		group.Go(func() error { room.speak(ctx, offset, began+r.cfg.Duration); return nil })
	}
	group.Wait()
	spoken := r.clock.now() - began
	r.signIns = signIns.stop()
	r.drain(ctx)
	after, ok := r.cpu(context.WithoutCancel(ctx))
	return spoken, usage{after - before, known && ok}
}

func (r *run) cpu(ctx context.Context) (float64, bool) {
	if r.cfg.CPU == nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	s, err := r.cfg.CPU(ctx)
	if err != nil {
		r.cfg.Log.Warn("the server's CPU time is unknown", "error", err)
	}
	return s, err == nil
}

// drain waits until every packet has arrived, for drainTime at most.
func (r *run) drain(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(drainTime); time.Now().Before(deadline); {
		if c := r.count(); c.Received == c.Expected {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (r *run) empty(ctx context.Context) {
	var group errgroup.Group
	for _, room := range r.rooms {
		group.Go(func() error { room.empty(ctx); return nil })
	}
	group.Wait()
}

// follow reports progress every second until stop is called.
func (r *run) follow() (stop func()) {
	done := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.report("", 0)
			case <-done:
				return
			}
		}
	})
	return func() { close(done); reporting.Wait() }
}

// failed counts a failure by what failed and why.
func (r *run) failed(what string, err error) {
	r.cfg.Log.Debug(what, "error", err)
	var refused *client.Refusal
	var problem *client.Problem
	switch {
	case errors.As(err, &refused):
		what += ": " + string(refused.Code)
	case errors.As(err, &problem):
		what += ": " + problem.Code()
	case errors.Is(err, context.DeadlineExceeded):
		what += ": timeout"
	case errors.Is(err, context.Canceled):
		what += ": interrupted"
	default:
		what += ": " + err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures[what]++
}

func (r *run) countJoin(in time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joined++
	r.joins.add(in)
}

// roleOf returns the role of the participant with that index in its room.
func roleOf(i int) protocol.Role {
	switch i {
	case 0:
		return protocol.RoleCandidate
	case 1:
		return protocol.RolePatient
	}
	return protocol.RoleObserver
}

// person is one participant.
type person struct {
	*client.Client
	voice    *voice // nil if the participant only listens
	receiver *receiver
}

// join gets a ticket and joins. The join time ends when the media is connected.
func (r *run) join(ctx context.Context, rest *client.REST, attempt string,
	role protocol.Role) (*person, error) {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	began := time.Now()
	p := &person{receiver: newReceiver(r.clock)}
	for p.Client == nil {
		ticket, err := rest.Ticket(ctx, attempt, role)
		if err != nil {
			return nil, err
		}
		cfg := ticket.Config()
		cfg.Log = r.cfg.Log
		cfg.OnRTP = func(from string, packet *rtp.Packet) { p.receiver.receive(from, packet) }
		p.Client, err = client.Join(ctx, cfg)
		if client.IsOtherNode(err) { // a new ticket names the node that has the room
			err = wait.For(ctx, retryPause)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.Connected(ctx); err != nil {
		p.Close()
		return nil, err
	}
	r.countJoin(time.Since(began))
	if role != protocol.RoleObserver {
		p.voice = &voice{clock: r.clock, packets: r.packets}
	}
	return p, nil
}
