package attempts

import (
	"fmt"

	"bedside/store"
)

// sealedFor reports whether a user may not know the scenario of an attempt yet: it is of a mock
// exam, and the preparation has not begun.
func sealedFor(u store.User, a store.Attempt) bool {
	return u.ID == a.CandidateID && a.Sealed()
}

// sealedTitle is the title of an attempt whose scenario is sealed.
func sealedTitle(a store.Attempt) string {
	return fmt.Sprintf("Role play %d of your mock exam", a.Exam.Position)
}

// seal returns what the candidate may know of a scenario before the preparation begins.
func seal(a store.Attempt, s store.Scenario) store.Scenario {
	return store.Scenario{
		Title: sealedTitle(a), Profession: s.Profession, PrepareSeconds: s.PrepareSeconds,
		PlaySeconds: s.PlaySeconds, Candidate: store.CandidateCard{Tasks: []store.Task{}},
	}
}
