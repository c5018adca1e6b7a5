package attempts

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bedside/api/auth"
	"bedside/store"
)

// TestAccess checks, for each kind of user and state of an attempt, who is involved in it (and so
// may read its report and recordings), who may see it, and which roles they may take in its room.
func TestAccess(t *testing.T) {
	for _, c := range []struct {
		who      string
		user     store.User
		state    store.AttemptState
		involved bool
		maySee   bool
		mayTake  string // roles
	}{
		{
			who: "the candidate", user: store.User{ID: "anna", Role: store.RoleCandidate},
			state: store.AttemptReported, involved: true, maySee: true, mayTake: "candidate",
		},
		{
			who:  "another candidate, while the room is open",
			user: store.User{ID: "eve", Role: store.RoleCandidate}, state: store.AttemptPlaying,
		},
		{
			who:  "another candidate, afterwards",
			user: store.User{ID: "eve", Role: store.RoleCandidate}, state: store.AttemptReported,
		},
		{
			who:   "the tutor who played the patient",
			user:  store.User{ID: "tutor", Role: store.RoleTutor},
			state: store.AttemptReported, involved: true, maySee: true,
			mayTake: "patient observer",
		},
		{
			who:  "another tutor, while the room is open",
			user: store.User{ID: "other", Role: store.RoleTutor}, state: store.AttemptPlaying,
			maySee: true, mayTake: "patient observer",
		},
		{
			who:  "another tutor, afterwards",
			user: store.User{ID: "other", Role: store.RoleTutor}, state: store.AttemptReported,
			mayTake: "patient observer",
		},
		{
			who: "an administrator", user: store.User{ID: "admin", Role: store.RoleAdmin},
			state: store.AttemptReported, involved: true, maySee: true,
			mayTake: "patient observer",
		},
		{
			who:  "a tutor who practises as the candidate",
			user: store.User{ID: "anna", Role: store.RoleTutor}, state: store.AttemptPlaying,
			involved: true, maySee: true, mayTake: "candidate",
		},
	} {
		t.Run(c.who, func(t *testing.T) {
			a := store.Attempt{CandidateID: "anna", PartnerID: "tutor", State: c.state}
			if got := involved(c.user, a); got != c.involved {
				t.Errorf("involved: %v", got)
			}
			if got := maySee(c.user, a); got != c.maySee {
				t.Errorf("may see: %v", got)
			}
			var taken []string
			for _, role := range []store.ParticipantRole{
				store.ParticipantCandidate, store.ParticipantPatient, store.ParticipantObserver,
				"director",
			} {
				if mayTake(c.user, a, role) {
					taken = append(taken, string(role))
				}
			}
			if got := strings.Join(taken, " "); got != c.mayTake {
				t.Errorf("may take %q; want %q", got, c.mayTake)
			}
		})
	}
}

func TestTutorIsNotInvolvedInAnAttemptWithoutPartner(t *testing.T) {
	a := store.Attempt{CandidateID: "anna"}
	if involved(store.User{ID: "eve", Role: store.RoleTutor}, a) {
		t.Error("a tutor is involved in an attempt without a partner")
	}
}

// attemptStore implements the method of Store that finding an attempt needs.
type attemptStore struct {
	Store
	attempt store.Attempt
}

func (s attemptStore) FindAttempt(context.Context, string) (store.Attempt, error) {
	return s.attempt, nil
}

func TestTutorMayJoinButNotReadTheReportOfAnotherTutorsAttempt(t *testing.T) {
	s := Service{Store: attemptStore{attempt: store.Attempt{
		CandidateID: "anna", PartnerID: "tutor", State: store.AttemptPlaying,
	}}}
	as := func(user string) context.Context {
		return auth.WithPrincipal(t.Context(), auth.Principal{
			User: store.User{ID: user, Role: store.RoleTutor},
		})
	}
	if _, err := s.visible(as("other"), "1"); err != nil {
		t.Errorf("another tutor cannot see an open room: %v", err)
	}
	if _, err := s.own(as("other"), "1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another tutor reads the report: %v; want not found", err)
	}
	if _, err := s.own(as("tutor"), "1"); err != nil {
		t.Errorf("the partner cannot read the report: %v", err)
	}
}
