package attempts

import (
	"context"
	"errors"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// involved reports whether the attempt is the user's own in the end: they were its candidate or
// its partner, or they administrate.
func involved(u store.User, a store.Attempt) bool {
	return u.ID == a.CandidateID || u.ID == a.PartnerID || u.Role == store.RoleAdmin
}

// maySee reports whether the user may know of the attempt: those involved, and tutors while its
// room can be joined.
func maySee(u store.User, a store.Attempt) bool {
	return involved(u, a) || u.Role == store.RoleTutor && a.Joinable()
}

// mayTake reports whether the user may take a part in the attempt's room.
func mayTake(u store.User, a store.Attempt, part store.ParticipantRole) bool {
	teaches := (u.Role == store.RoleTutor || u.Role == store.RoleAdmin) && u.ID != a.CandidateID
	switch part {
	case store.ParticipantCandidate:
		return u.ID == a.CandidateID
	case store.ParticipantPatient, store.ParticipantObserver:
		return teaches
	}
	return false
}

// visible finds an attempt that the principal may see. One that they may not see is as one that
// is not there.
func (s *Service) visible(ctx context.Context, id string) (store.User, store.Attempt,
	store.Scenario, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return p.User, store.Attempt{}, store.Scenario{}, err
	}
	a, scenario, err := s.Store.Attempt(ctx, id)
	if err == nil && !maySee(p.User, a) {
		err = store.ErrNotFound
	}
	return p.User, a, scenario, missing(err)
}

// missing gives an attempt that is not there its words.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &httpx.Fault{
			Err: err, Detail: "There is no attempt of this id, or it is not yours.",
		}
	}
	return err
}
