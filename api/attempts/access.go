package attempts

import (
	"context"
	"errors"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// involved reports whether the user may always see the attempt: as its candidate, as its partner
// or as an administrator.
func involved(u store.User, a store.Attempt) bool {
	return u.ID == a.CandidateID || u.ID == a.PartnerID || u.Role == store.RoleAdmin
}

// maySee reports whether the user may see the attempt: besides the users involved, tutors may
// while its room can be joined.
func maySee(u store.User, a store.Attempt) bool {
	return involved(u, a) || u.Role == store.RoleTutor && a.Joinable()
}

// mayTake reports whether the user may join the attempt's room in a part.
func mayTake(u store.User, a store.Attempt, part store.ParticipantRole) bool {
	teaches := (u.Role == store.RoleTutor || u.Role == store.RoleAdmin) && u.ID != a.CandidateID
	switch part {
	case store.ParticipantCandidate:
		return u.ID == a.CandidateID
	case store.ParticipantPatient:
		return teaches || u.ID == a.PartnerID && a.Exam.ID == ""
	case store.ParticipantObserver:
		return teaches
	}
	return false
}

// visible returns an attempt that the principal may see. For one that the principal may not see,
// the error is the same as for one that does not exist.
func (s *Service) visible(ctx context.Context, id string) (store.Attempt, error) {
	return s.permitted(ctx, id, maySee)
}

// own returns an attempt that the principal is involved in. Its errors are those of visible.
func (s *Service) own(ctx context.Context, id string) (store.Attempt, error) {
	return s.permitted(ctx, id, involved)
}

func (s *Service) permitted(ctx context.Context, id string,
	may func(store.User, store.Attempt) bool) (store.Attempt, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return store.Attempt{}, err
	}
	a, err := s.Store.FindAttempt(ctx, id)
	if err == nil && !may(p.User, a) {
		err = store.ErrNotFound
	}
	return a, missing(err)
}

// missing adds a detail to store.ErrNotFound, and returns other errors unchanged.
func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &httpx.Fault{
			Err: err, Detail: "There is no attempt with this id, or it is not yours.",
		}
	}
	return err
}
