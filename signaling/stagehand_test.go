package signaling

import (
	"context"
	"errors"

	"bedside/speech/part"
)

// stagehand is what a world knows of actors. Tests play the actors themselves.
type stagehand struct {
	calls    []part.Call
	offer    string // the worker that takes calls; empty: none is free
	place    int    // in the queue, while none is free
	refuses  bool   // the worker does not confirm
	mute     bool   // the actor does not answer
	told     []part.Told
	act      func(part.Act) part.Reply
	alive    func(part.Alive)
	last     PatientState // as an earlier process has recorded it
	recorded PatientState
	said     []part.Played
	acted    int // batches of events
	live     bool
}

func (w *world) CallActor(_ context.Context, c part.Call) (string, int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stage.calls = append(w.stage.calls, c)
	if w.stage.offer == "" && w.stage.place == 0 {
		return "", 0, errors.New("nobody answers")
	}
	return w.stage.offer, w.stage.place, nil
}

func (w *world) ConfirmActor(context.Context, part.Confirm) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.stage.refuses, nil
}

func (w *world) ListenToActor(_ string, act func(part.Act) part.Reply,
	alive func(part.Alive)) (func(), error) {
	w.set(func() { w.stage.act, w.stage.alive = act, alive })
	return func() { w.set(func() { w.stage.act, w.stage.alive = nil, nil }) }, nil
}

func (w *world) TellActor(_ context.Context, _ string, t part.Told) (part.Reply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stage.mute {
		return part.Reply{}, errors.New("no answer")
	}
	w.stage.told = append(w.stage.told, t)
	return part.Reply{}, nil
}

func (w *world) LastPatient(context.Context, string) (PatientState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stage.last, nil
}

func (t tap) Acted([]byte) { t.w.set(func() { t.w.stage.acted++ }) }
func (t tap) Said(_ part.Line, p part.Played) {
	t.w.set(func() { t.w.stage.said = append(t.w.stage.said, p) })
}
func (t tap) Patient(_ int, state []byte, heardTo int64) {
	t.w.set(func() { t.w.stage.recorded = PatientState{state, heardTo} })
}
func (t tap) Live(on bool) { t.w.set(func() { t.w.stage.live = on }) }
