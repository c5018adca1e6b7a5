package attempts

import (
	"context"
	"errors"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// invitationValid is how long a friend has to follow an invitation.
const invitationValid = 4 * time.Hour

func (s *Service) invitationRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "create-invitation", Method: http.MethodPost,
		Path:    "/api/attempts/{id}/invitation",
		Summary: "Invite a friend to play the patient",
		Description: "Returns a link to a page. The first signed-in user who accepts there plays " +
			"the patient, and sees the patient's card and the report. It is valid for four " +
			"hours, and replaces an earlier link to this attempt. Only for its candidate, and " +
			"not for role plays of mock exams.",
		DefaultStatus: http.StatusCreated,
		Errors:        []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, s.invite)
	httpx.Register(api, huma.Operation{
		OperationID: "delete-invitation", Method: http.MethodDelete,
		Path: "/api/attempts/{id}/invitation", Summary: "Withdraw the invitation",
		Description: "The link does not work any more. A friend who has accepted it before " +
			"keeps the part.",
		DefaultStatus: http.StatusNoContent,
		Errors:        []int{http.StatusForbidden, http.StatusNotFound},
	}, s.withdraw)
	httpx.Register(api, huma.Operation{
		OperationID: "get-invitation", Method: http.MethodGet, Path: "/api/invitations/{code}",
		Summary: "Read who invites to what",
		Description: "For everybody who has the link. The answer is 404 when it has expired, was " +
			"withdrawn or was used by somebody else.",
		Metadata: httpx.Optional(), Errors: []int{http.StatusNotFound},
	}, s.invitation)
	httpx.Register(api, huma.Operation{
		OperationID: "accept-invitation", Method: http.MethodPost,
		Path: "/api/invitations/{code}", Summary: "Accept an invitation to play the patient",
		Description: "You become the partner of the attempt; get a ticket to its room next. " +
			"Accepting again is no error.",
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, s.accept)
}

// InvitationLink is a link for a friend.
type InvitationLink struct {
	URL       string    `json:"url" doc:"of the page, relative to this server" example:"/join/6TzZ0vS1T0a3hX8uF5v8eH5b2mVd9kqfK1nJw3xYc0E"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Invitation says who invites to what.
type Invitation struct {
	Candidate     string    `json:"candidate" doc:"the name of who invites" example:"Dana Kovač"`
	ScenarioTitle string    `json:"scenario_title" example:"Starting insulin at home"`
	Profession    string    `json:"profession" example:"nursing"`
	ExpiresAt     time.Time `json:"expires_at"`
	Own           bool      `json:"own" doc:"you are who invites"`
	Accepted      bool      `json:"accepted" doc:"you have accepted it"`
	AttemptID     string    `json:"attempt_id,omitempty" format:"uuid" doc:"only when it is your own or you have accepted it"`
}

type linkOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         InvitationLink
}

// inviting returns an attempt whose candidate is the principal.
func (s *Service) inviting(ctx context.Context, id string) (store.Attempt, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return store.Attempt{}, err
	}
	a, err := s.visible(ctx, id)
	if err == nil && a.CandidateID != p.User.ID {
		err = &httpx.Fault{
			Err: store.ErrForbidden, Detail: "Only the candidate may invite somebody.",
		}
	}
	return a, err
}

func (s *Service) invite(ctx context.Context, in *idInput) (*linkOutput, error) {
	a, err := s.inviting(ctx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case a.Exam.ID != "":
		return nil, &httpx.Fault{
			Err: store.ErrForbidden, Detail: "In a mock exam a tutor plays the patient.",
		}
	case !a.Joinable():
		return nil, closed(store.ErrState)
	}
	token, hash := auth.NewOneTimeToken()
	expires := s.now().Add(invitationValid)
	err = s.Store.SaveInvitation(ctx, store.Invitation{
		AttemptID: a.ID, TokenHash: hash, ExpiresAt: expires,
	})
	if err != nil {
		return nil, missing(err)
	}
	return &linkOutput{CacheControl: "no-store", Body: InvitationLink{
		URL: "/join/" + token, ExpiresAt: expires.UTC(),
	}}, nil
}

func (s *Service) withdraw(ctx context.Context, in *idInput) (*struct{}, error) {
	a, err := s.inviting(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.DeleteInvitation(ctx, a.ID)
}

type codeInput struct {
	Code string `path:"code" maxLength:"100" doc:"the end of the link"`
}

type invitationOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Invitation
}

func (s *Service) invitation(ctx context.Context, in *codeInput) (*invitationOutput, error) {
	hash, err := auth.HashOneTimeToken(in.Code)
	if err != nil {
		return nil, uninvited(err)
	}
	i, v, err := s.Store.Invitation(ctx, hash)
	if err != nil {
		return nil, uninvited(err)
	}
	var user string
	if p, err := auth.PrincipalFrom(ctx); err == nil {
		user = p.User.ID
	}
	accepted := i.Used && user != "" && user == v.Attempt.PartnerID
	if !accepted && user != v.Attempt.CandidateID && (i.Used || !s.now().Before(i.ExpiresAt)) {
		return nil, uninvited(store.ErrNotFound)
	}
	out := &invitationOutput{CacheControl: "no-store", Body: Invitation{
		Candidate: v.CandidateName, ScenarioTitle: v.ScenarioTitle, Profession: v.Profession,
		ExpiresAt: i.ExpiresAt.UTC(), Own: user == v.Attempt.CandidateID, Accepted: accepted,
	}}
	if out.Body.Own || accepted {
		out.Body.AttemptID = v.Attempt.ID
	}
	return out, nil
}

func (s *Service) accept(ctx context.Context, in *codeInput) (*detailOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := auth.HashOneTimeToken(in.Code)
	if err != nil {
		return nil, uninvited(err)
	}
	a, err := s.Store.AcceptInvitation(ctx, hash, p.User.ID, s.now())
	if err != nil {
		return nil, uninvited(err)
	}
	return s.get(ctx, &idInput{ID: a.ID})
}

// uninvited adds a detail to the errors of an invitation.
func uninvited(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &httpx.Fault{
			Err: err, Code: "invitation-over",
			Detail: "This link does not work any more. Ask your friend for a new one.",
		}
	case errors.Is(err, store.ErrForbidden):
		return &httpx.Fault{
			Err: err, Code: "own-invitation",
			Detail: "This is your own invitation. Send the link to a friend.",
		}
	}
	return closed(err)
}

// friend returns the other of two who have played together: the partner of a new round.
func (s *Service) friend(ctx context.Context, attemptID, userID string) (string, error) {
	a, err := s.own(ctx, attemptID)
	if err != nil {
		return "", err
	}
	switch {
	case a.PartnerID == "" || a.Exam.ID != "":
	case userID == a.PartnerID:
		return a.CandidateID, nil
	case userID == a.CandidateID:
		return a.PartnerID, nil
	}
	return "", httpx.Invalid("body.friend_of",
		"Nobody has played this role play with you. Invite a friend by a link instead.")
}

func (s *Service) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now()
}
