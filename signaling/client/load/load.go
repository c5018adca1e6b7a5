// Package load fills rooms with headless participants that speak, and measures what the server
// makes of it.
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
	entering  = 8 // rooms that are filled at a time
	joinLimit = 30 * time.Second
	endLimit  = 30 * time.Second
	drainTime = 2 * time.Second // what is longer on its way counts as lost
)

// ErrConfig means that a load cannot be what is asked for.
var ErrConfig = errors.New("load")

// Config of a load. In each room the first participant is the candidate, the second the patient;
// the others listen.
type Config struct {
	Rooms, Participants int
	Duration            time.Duration // of speaking
	// what everybody says, repeated: Opus of 20 ms and one frame a packet
	Packets  [][]byte
	Scenario string // slug of the role play

	// SignIns a second, while everybody speaks, and what the i-th does; 0 is none.
	SignIns int
	SignIn  func(ctx context.Context, i int) (status int, err error)

	Candidate *client.REST // signed in; owns the attempts
	Tutor     *client.REST // signed in; takes the other parts

	// of the server's process so far; nil: not known
	CPU func(context.Context) (seconds float64, err error)
	// called about every second and when the stage changes; may be nil
	Progress func(Progress)
	Log      *slog.Logger
}

// Progress of a load.
type Progress struct {
	Stage          Stage
	Joined, Failed int           // participants
	Left           time.Duration // of speaking
}

// Stage of a load.
type Stage string

// The stages, in their order.
const (
	Joining  Stage = "joining"
	Speaking Stage = "speaking"
	Leaving  Stage = "leaving"
)

// run is one load. Its rooms are filled and emptied by goroutines that each own theirs.
type run struct {
	cfg     Config
	packets [][]byte // with room for stamps
	clock   clock
	rooms   []*room
	signIns *SignIns // once everybody has spoken

	mu        sync.Mutex // guards the fields below
	joined    int
	joins     histogram
	failures  map[string]int
	stage     Stage
	stageEnds time.Duration
}

// Run fills the rooms, has everybody speak, empties the rooms, and gives what was measured. When
// ctx ends early that is what was measured until then, with the context's cause as the error.
// Participants that fail are counted, not an error.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	r, err := newRun(cfg)
	if err != nil {
		return nil, err
	}
	stopProgress := r.follow()
	r.fill(ctx)
	spoken, cpu := r.speak(ctx)
	r.tell(Leaving, 0)
	// Emptying the rooms is not interrupted: attempts that are left behind would wait for their
	// idle end.
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	r.empty(leaving)
	stopProgress()
	return r.result(spoken, cpu), context.Cause(ctx)
}

func newRun(cfg Config) (*run, error) {
	switch {
	case cfg.Rooms < 1 || cfg.Rooms > MaxRooms:
		return nil, fmt.Errorf("%w: %d rooms; 1 to %d are possible", ErrConfig, cfg.Rooms,
			MaxRooms)
	case cfg.Participants < 1 || cfg.Participants > MaxParticipants:
		return nil, fmt.Errorf("%w: %d participants; 1 to %d are possible", ErrConfig,
			cfg.Participants, MaxParticipants)
	case cfg.Duration <= 0:
		return nil, fmt.Errorf("%w: the duration must be positive", ErrConfig)
	case cfg.SignIns < 0 || cfg.SignIns > MaxSignIns || cfg.SignIns > 0 && cfg.SignIn == nil:
		return nil, fmt.Errorf("%w: %d sign-ins a second; up to %d are possible", ErrConfig,
			cfg.SignIns, MaxSignIns)
	case len(cfg.Packets) == 0:
		return nil, fmt.Errorf("%w: there is nothing to say", ErrConfig)
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

// fill has everybody join, a few rooms at a time.
func (r *run) fill(ctx context.Context) {
	r.tell(Joining, 0)
	var group errgroup.Group
	group.SetLimit(entering)
	for _, room := range r.rooms {
		group.Go(func() error { room.fill(ctx); return nil })
	}
	group.Wait()
}

// usage is what the server's process used while everybody spoke.
type usage struct {
	seconds float64
	known   bool
}

// speak has everybody speak, and waits until what is on its way has come.
func (r *run) speak(ctx context.Context) (time.Duration, usage) {
	r.tell(Speaking, r.cfg.Duration)
	before, known := r.cpu(ctx)
	crowd := r.crowd(ctx)
	began := r.clock.now()
	var group errgroup.Group
	for i, room := range r.rooms {
		// Real participants do not speak in step.
		offset := 20 * time.Millisecond * time.Duration(i) / time.Duration(len(r.rooms))
		group.Go(func() error { room.speak(ctx, offset, began+r.cfg.Duration); return nil })
	}
	group.Wait()
	spoken := r.clock.now() - began
	r.signIns = crowd.stop()
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
		r.cfg.Log.Warn("the server's CPU time is not known", "error", err)
	}
	return s, err == nil
}

// drain waits until everything that was sent has come, but not for what is lost.
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

// follow reports progress every second until it is stopped.
func (r *run) follow() (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.tell("", 0)
			case <-done:
				return
			}
		}
	})
	return func() { close(done); wait.Wait() }
}

// failed counts something that did not work, by what it was.
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

func (r *run) arrived(in time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joined++
	r.joins.add(in)
}

// part gives the role of the participant of that index.
func part(i int) protocol.Role {
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
	voice *voice // nil: listens
	ear   *ear
}

// join gets a ticket and joins; the time until media can flow is the join time.
func (r *run) join(ctx context.Context, rest *client.REST, attempt string,
	role protocol.Role) (*person, error) {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	began := time.Now()
	ticket, err := rest.Ticket(ctx, attempt, role)
	if err != nil {
		return nil, err
	}
	p := &person{ear: newEar(r.clock)}
	cfg := ticket.Config()
	cfg.Log = r.cfg.Log
	cfg.OnRTP = func(from string, packet *rtp.Packet) { p.ear.hear(from, packet) }
	if p.Client, err = client.Join(ctx, cfg); err != nil {
		return nil, err
	}
	if err := p.Connected(ctx); err != nil {
		p.Close()
		return nil, err
	}
	r.arrived(time.Since(began))
	if role != protocol.RoleObserver {
		p.voice = &voice{clock: r.clock, packets: r.packets}
	}
	return p, nil
}
