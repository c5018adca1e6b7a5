package sfu

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"
)

func TestParticipantsReceiveEachOther(t *testing.T) {
	n := testNode(t, Config{})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{}).join(r, true)
	b := newClient(t, "bert", clientOption{}).join(r, true)
	await(t, "anna connects", a.connected)
	await(t, "bert connects", b.connected)

	fromA := await(t, "anna's track at bert", b.tracks)
	fromB := await(t, "bert's track at anna", a.tracks)
	if fromA.from != "anna" || fromB.from != "bert" {
		t.Errorf("stream ids %q and %q, want anna and bert", fromA.from, fromB.from)
	}
	p := awaitPacket(t, a, fromA)
	if got := string(p.Payload); !strings.HasPrefix(got, "anna says ") {
		t.Errorf("payload %q", got)
	}
	if got := p.GetExtension(1); len(got) != 1 || got[0] != 20 {
		t.Errorf("audio level extension %v, want 20", got)
	}
	awaitPacket(t, b, fromB)

	infos := r.Participants()
	if len(infos) != 2 || infos[0].ID != "anna" || infos[0].Name != "Name of anna" ||
		!infos[1].Connected || !infos[1].Publishing {
		t.Errorf("participants: %+v", infos)
	}
}

func TestLateJoinerGetsTracksInTheAnswer(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		var early []*client
		for i := range 3 {
			net, _ := w.net()
			c := newClient(t, fmt.Sprintf("early-%d", i), clientOption{network: net}).join(r, true)
			await(t, "connection", c.connected)
			early = append(early, c)
		}
		synctest.Wait()
		net, _ := w.net()
		late := newClient(t, "late", clientOption{network: net, sections: 3}).join(r, true)
		var tracks []*remoteTrack
		for range early {
			tracks = append(tracks, await(t, "a track at the late joiner", late.tracks))
		}
		for _, h := range tracks {
			for _, c := range early {
				if c.id == h.from {
					awaitPacket(t, c, h)
				}
			}
		}
		if len(late.negotiated) != 0 {
			t.Error("the late joiner received an offer although its own had enough sections")
		}
		for _, c := range append(early, late) {
			c.close()
		}
	})
}

func TestSectionsOfEndedTracksAreReused(t *testing.T) {
	withNetwork(t, Config{}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		net, _ := w.net()
		stays := newClient(t, "stays", clientOption{network: net}).join(r, true)
		await(t, "connection", stays.connected)
		for i := range 5 {
			net, _ := w.net()
			guest := newClient(t, fmt.Sprintf("guest-%d", i), clientOption{
				network: net,
			}).join(r, true)
			h := await(t, "the guest's track", stays.tracks)
			if h.from != guest.id {
				t.Errorf("track from %s, want %s", h.from, guest.id)
			}
			awaitPacket(t, guest, h)
			guest.p.Leave(nil)
			if reason := await(t, "the guest is gone", guest.gone); !errors.Is(reason, ErrLeft) {
				t.Errorf("gone because of %v", reason)
			}
			guest.close()
			synctest.Wait()
			if len(r.Participants()) != 1 {
				t.Errorf("participants: %+v", r.Participants())
			}
		}
		var last string
		for len(stays.negotiated) > 0 {
			last = <-stays.negotiated
		}
		if got := strings.Count(last, "m=audio"); got != 2 {
			t.Errorf("%d sections after five guests, want 2: its own, and a reused one", got)
		}
		stays.close()
	})
}

func TestJoinWithTheSameIDReplacesTheMember(t *testing.T) {
	n := testNode(t, Config{MaxParticipants: 2})
	r := testRoom(t, n, "room")
	b := newClient(t, "bert", clientOption{}).join(r, true)
	first := newClient(t, "anna", clientOption{}).join(r, true)
	h := await(t, "anna's track", b.tracks)
	awaitPacket(t, first, h)

	// An invalid offer replaces nobody.
	if _, _, err := r.Join(context.Background(), Identity{ID: "anna", Publish: true}, "v=0",
		first); !errors.Is(err, ErrBadSDP) {
		t.Fatalf("join with an invalid offer: %v", err)
	}
	awaitPacket(t, first, h)

	second := newClient(t, "anna", clientOption{}).join(r, true)
	if reason := await(t, "the first is gone", first.gone); !errors.Is(reason, ErrReplaced) {
		t.Errorf("gone because of %v, want ErrReplaced", reason)
	}
	awaitPacket(t, second, await(t, "the second's track", b.tracks))
	if got := len(r.Participants()); got != 2 {
		t.Errorf("%d participants, want 2", got)
	}
}

func TestObserverOnlyReceives(t *testing.T) {
	n := testNode(t, Config{})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{}).join(r, true)
	observer := newClient(t, "olga", clientOption{listen: true, sections: 1}).join(r, false)
	awaitPacket(t, a, await(t, "anna's track", observer.tracks))

	talker := newClient(t, "otto", clientOption{})
	defer talker.close()
	if _, _, err := r.Join(context.Background(), Identity{ID: "otto"}, talker.offer(),
		talker); !errors.Is(err, ErrBadSDP) {
		t.Errorf("an observer that offers to send: %v, want ErrBadSDP", err)
	}
}

func TestLimits(t *testing.T) {
	n := testNode(t, Config{MaxRooms: 1, MaxParticipants: 1})
	r := testRoom(t, n, "room")
	if again, err := n.Room("room"); err != nil || again != r {
		t.Errorf("the same id gave %v, %v", again, err)
	}
	if _, err := n.Room("other"); !errors.Is(err, ErrTooManyRooms) {
		t.Errorf("second room: %v", err)
	}
	for _, id := range []string{"", "a b", strings.Repeat("x", 65), "a\r\nb"} {
		if _, err := n.Room(id); !errors.Is(err, ErrBadID) {
			t.Errorf("room %q: %v", id, err)
		}
	}
	a := newClient(t, "anna", clientOption{}).join(r, true)
	b := newClient(t, "bert", clientOption{})
	defer b.close()
	if _, _, err := r.Join(context.Background(), Identity{ID: "bert", Publish: true}, b.offer(),
		b); !errors.Is(err, ErrTooManyParticipants) {
		t.Errorf("second participant: %v", err)
	}
	if err := a.p.AddCandidate(context.Background(), webrtc.ICECandidateInit{
		Candidate: "nonsense",
	}); !errors.Is(err, ErrBadCandidate) {
		t.Errorf("invalid candidate: %v", err)
	}
	var err error
	for range maxCandidates {
		err = a.p.AddCandidate(context.Background(), webrtc.ICECandidateInit{
			Candidate: "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
		})
	}
	if !errors.Is(err, ErrTooManyCandidates) {
		t.Errorf("candidate %d: %v", maxCandidates+1, err)
	}
}

func TestAnswersAreMatchedToOffers(t *testing.T) {
	n := testNode(t, Config{})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{hold: true}).join(r, true)
	await(t, "anna connects", a.connected)
	ctx := context.Background()
	if err := a.p.Answer(ctx, 1, "v=0"); !errors.Is(err, ErrStaleAnswer) {
		t.Errorf("answer without an offer: %v", err)
	}
	newClient(t, "bert", clientOption{}).join(r, true)
	o := await(t, "the offer", a.offers)
	if err := a.p.Answer(ctx, o.id+1, "v=0"); !errors.Is(err, ErrStaleAnswer) {
		t.Errorf("answer with another id: %v", err)
	}
	for _, bad := range []string{"", "nonsense", strings.Repeat("a=x\r\n", 20000)} {
		if err := a.p.Answer(ctx, o.id, bad); !errors.Is(err, ErrBadSDP) {
			t.Errorf("bad answer %.10q: %v", bad, err)
		}
	}
	// A new handler receives the outstanding offer again; later changes wait for its answer.
	newClient(t, "carl", clientOption{}).join(r, true)
	again := newClient(t, "anna's next socket", clientOption{})
	defer again.close()
	must(t, a.p.SetHandler(again))
	if got := await(t, "the offer again", again.offers); got != o {
		t.Errorf("offer %d after the swap, want %d again", got.id, o.id)
	}
	must(t, a.tryAnswer(o))
	if err := a.p.Answer(ctx, o.id, "v=0"); !errors.Is(err, ErrStaleAnswer) {
		t.Errorf("second answer: %v", err)
	}
	next := await(t, "the next offer, to the new handler", again.offers)
	must(t, a.tryAnswer(next))
	seen := map[string]bool{}
	for range 2 {
		seen[await(t, "a track", a.tracks).from] = true
	}
	if !seen["bert"] || !seen["carl"] {
		t.Errorf("tracks from %v", seen)
	}
}

func TestOffersRequestFECAndDTX(t *testing.T) {
	n := testNode(t, Config{})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{})
	defer a.close()
	_, answer, err := r.Join(context.Background(), Identity{ID: "anna", Publish: true}, a.offer(),
		a)
	must(t, err)
	for _, want := range []string{
		"useinbandfec=1", "usedtx=1", "minptime=10", "a=rtcp-fb:109 nack", levelURI,
		"a=candidate:", "a=end-of-candidates",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer lacks %q:\n%s", want, answer)
		}
	}
	if strings.Count(answer, "useinbandfec=1") != strings.Count(answer, "usedtx=1") {
		t.Error("an option occurs twice")
	}
}

func TestCloseWithLiveRooms(t *testing.T) {
	n := testNode(t, Config{})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{}).join(r, true)
	b := newClient(t, "bert", clientOption{}).join(r, true)
	var sink recorder
	r.StartTap(tapFunc(func(_, id string) Sink {
		if id == "anna" {
			return &sink
		}
		return nil
	}))
	awaitPacket(t, a, await(t, "anna's track", b.tracks))
	closeNode(t, n)
	for _, c := range []*client{a, b} {
		if reason := await(t, "gone", c.gone); !errors.Is(reason, ErrDraining) {
			t.Errorf("gone because of %v, want ErrDraining", reason)
		}
	}
	if !sink.closed.Load() {
		t.Error("the tap's sink was not closed")
	}
	if _, err := n.Room("another"); !errors.Is(err, ErrDraining) {
		t.Errorf("room on a closed node: %v", err)
	}
	c := newClient(t, "carl", clientOption{})
	defer c.close()
	if _, _, err := r.Join(context.Background(), Identity{ID: "carl", Publish: true}, c.offer(),
		c); !errors.Is(err, ErrDraining) {
		t.Errorf("join on a closed node: %v", err)
	}
}

func TestCloseStopsWaitingWhenItsContextEnds(t *testing.T) {
	n, err := NewNode(Config{}, quiet(), nil)
	must(t, err)
	r := testRoom(t, n, "room")
	stuck := &stuckHandler{release: make(chan struct{})}
	a := newClient(t, "anna", clientOption{})
	defer a.close()
	p, _, err := r.Join(context.Background(), Identity{ID: "anna", Publish: true}, a.offer(),
		stuck)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("close with a participant that does not end: %v", err)
	}
	close(stuck.release)
	await(t, "the participant goes after all", doneOnce(p))
}

func TestEmptyRoomIsRemovedAndCanReturn(t *testing.T) {
	withNetwork(t, Config{Grace: 20 * time.Second}, func(t *testing.T, w *world) {
		r := testRoom(t, w.node, "room")
		time.Sleep(19 * time.Second)
		if w.node.RoomCount() != 1 {
			t.Error("the room was removed before the grace period was over")
		}
		time.Sleep(2 * time.Second)
		if w.node.RoomCount() != 0 {
			t.Error("an empty room was not removed")
		}
		net, _ := w.net()
		a := newClient(t, "anna", clientOption{network: net}).join(r, true)
		await(t, "anna connects", a.connected)
		if again, err := w.node.Room("room"); err != nil || again != r {
			t.Errorf("the room after a join: %v, %v", again, err)
		}
		time.Sleep(time.Hour)
		if w.node.RoomCount() != 1 {
			t.Error("an occupied room was removed")
		}
		a.close()
	})
}

func TestCancelledJoin(t *testing.T) {
	n := testNode(t, Config{})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{})
	defer a.close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	offer := a.offer()
	if _, _, err := r.Join(ctx, Identity{ID: "anna", Publish: true}, offer,
		a); !errors.Is(err, context.Canceled) {
		t.Errorf("join after its context ended: %v", err)
	}
	if got := len(r.Participants()); got != 0 {
		t.Errorf("%d participants", got)
	}
}

func TestListenOnAllAddresses(t *testing.T) {
	n := testNode(t, Config{UDPAddr: ":0", IncludeLoopback: true})
	r := testRoom(t, n, "room")
	a := newClient(t, "anna", clientOption{}).join(r, true)
	await(t, "anna connects", a.connected)
	for range 2 {
		if _, err := NewNode(Config{UDPAddr: n.Addr().String(), IncludeLoopback: true}, quiet(),
			nil); err == nil {
			t.Error("a second node opened the same port")
		}
	}
}

func TestPublicAddressIsOffered(t *testing.T) {
	n := testNode(t, Config{PublicIPs: []string{"203.0.113.7"}})
	a := newClient(t, "anna", clientOption{})
	defer a.close()
	_, answer, err := testRoom(t, n, "room").Join(context.Background(),
		Identity{ID: "anna", Publish: true}, a.offer(), a)
	must(t, err)
	for _, want := range []string{" 203.0.113.7 ", " 127.0.0.1 "} {
		if !strings.Contains(answer, want) {
			t.Errorf("no candidate with%sin\n%s", want, answer)
		}
	}
	if _, err := NewNode(Config{PublicIPs: []string{"example.org"}}, quiet(), nil); err == nil {
		t.Error("an invalid public address was accepted")
	}
}
