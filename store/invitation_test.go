package store

import (
	"errors"
	"testing"
	"time"
)

func TestInvitations(t *testing.T) {
	now := time.Unix(1e9, 0)
	for name, c := range map[string]struct {
		i    Invitation
		a    Attempt
		user string
		want error
	}{
		"fresh":      {user: "friend"},
		"of oneself": {user: "anna", want: ErrForbidden},
		"again": {
			i: Invitation{Used: true}, a: Attempt{PartnerID: "friend"}, user: "friend",
		},
		"used":          {i: Invitation{Used: true}, user: "friend", want: ErrNotFound},
		"expired":       {i: Invitation{ExpiresAt: now}, user: "friend", want: ErrNotFound},
		"after the end": {a: Attempt{State: AttemptReported}, user: "friend", want: ErrState},
	} {
		c.a.CandidateID = "anna"
		if c.a.State == "" {
			c.a.State = AttemptCreated
		}
		if c.i.ExpiresAt.IsZero() {
			c.i.ExpiresAt = now.Add(time.Second)
		}
		err := c.i.Accept(&c.a, c.user, now)
		if !errors.Is(err, c.want) || err == nil && (!c.i.Used || c.a.PartnerID != c.user) {
			t.Errorf("%s: %v, %+v", name, err, c.a)
		}
	}
}
