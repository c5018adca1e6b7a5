package signaling

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/google/go-cmp/cmp"
)

func TestInterruptionsOfAPlay(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Mute{Muted: true})) // before the play
		s.media.of("candidate").Disconnected()         // likewise
		s.media.of("candidate").Connected()
		must(t, anna.send(protocol.Start{}))
		synctest.Wait()
		began := time.Now()
		at := func(second int, do func()) {
			time.Sleep(time.Until(began.Add(time.Duration(second) * time.Second)))
			do()
			synctest.Wait()
		}
		at(1, func() { must(t, anna.send(protocol.Mute{Muted: false})) })
		at(2, func() { must(t, anna.send(protocol.Mute{Muted: false})) }) // again
		at(10, s.media.of("candidate").Disconnected)
		at(14, s.media.of("candidate").Connected)
		at(20, func() { s.joinConnected("tutor", store.ParticipantPatient) })
		at(30, s.media.of("patient").Disconnected)
		at(33, s.media.of("patient").Connected)
		at(40, func() { must(t, anna.send(protocol.Hidden{Hidden: true})) })
		at(42, func() { must(t, anna.send(protocol.Hidden{Hidden: false})) })
		at(50, func() { must(t, anna.send(protocol.Finish{})) })
		s.media.of("candidate").Disconnected() // while the tap is still open
		synctest.Wait()
		got := map[string]bool{}
		s.set(func() {
			for _, e := range s.events {
				got[fmt.Sprintf("%s %s %v %v", e.speaker, e.cause, e.on,
					e.at.Sub(began).Seconds())] = true
			}
		})
		want := map[string]bool{
			"candidate muted true 0": true, "candidate muted false 1": true,
			"candidate connection_lost true 10": true, "candidate connection_lost false 14": true,
			"candidate clock_stopped true 10": true, "candidate clock_stopped false 14": true,
			"patient clock_stopped true 10": true, "patient clock_stopped false 14": true,
			"patient connection_lost true 30": true, "patient connection_lost false 33": true,
			"candidate clock_stopped true 30": true, "candidate clock_stopped false 33": true,
			"patient clock_stopped true 30": true, "patient clock_stopped false 33": true,
			"candidate page_hidden true 40": true, "candidate page_hidden false 42": true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
