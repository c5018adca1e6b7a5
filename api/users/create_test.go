package users_test

import (
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/users"
	"bedside/store"
)

func registration(r store.Registration) apitest.Option {
	return func(c *api.Config, _ *api.Deps) { c.Registration = string(r) }
}

// create makes an account for an address as an administrator.
func create(t *testing.T, admin *apitest.Client, email, password string) apitest.Response {
	t.Helper()
	body := map[string]any{"email": email, "name": "Dana", "role": "tutor"}
	if password != "" {
		body["password"] = password
	}
	return admin.Do(t, "POST", "/api/users", body)
}

func TestAdministratorsInvite(t *testing.T) {
	s := apitest.NewServer(t, registration(store.RegistrationInvitation))
	admin, email := s.NewUser(t, store.RoleAdmin), apitest.NewEmail()
	var made users.Account
	create(t, admin, email, "").Expect(t, 201).Decode(t, &made)
	if made.Email != email || made.Role != store.RoleTutor || made.EmailVerified || !made.Invited {
		t.Errorf("account %+v", made)
	}
	create(t, admin, email, "").Problem(t, 409, "address-taken")
	guest := s.NewClient(t)
	guest.Login(t, email, "").Expect(t, 401)
	first := s.Mail.Await(t, email, "invited").Token(t, "/reset-password")
	again := "/api/users/" + made.ID + "/invitation"
	admin.Do(t, "POST", again, nil).Expect(t, 202)
	second := s.Mail.Await(t, email, "invited").Token(t, "/reset-password")
	choose := func(token, password string) apitest.Response {
		return guest.Do(t, "POST", "/auth/reset-password", map[string]any{
			"token": token, "password": password,
		})
	}
	s.Forward(6 * 24 * time.Hour)
	choose(second, apitest.Password).Expect(t, 204)
	guest.Email = email
	guest.SignIn(t)
	if !guest.Profile(t).EmailVerified {
		t.Error("the address of the invitation is not confirmed")
	}
	// Neither invitation takes the account over afterwards.
	for _, token := range []string{first, second} {
		if a := choose(token, "another-quiet-harbour"); a.StatusCode != 422 {
			t.Errorf("a used invitation: %d %s", a.StatusCode, a.Data)
		}
	}
	guest.SignIn(t)
	admin.RenewTokens(t)
	admin.Do(t, "POST", again, nil).Problem(t, 409, "wrong-state")
}

// TestInvitationEndsWithAnyPassword checks that an invitation, which works for a week, is of no
// use once the owner has chosen a password in another way.
func TestInvitationEndsWithAnyPassword(t *testing.T) {
	s := apitest.NewServer(t)
	email := apitest.NewEmail()
	create(t, s.NewUser(t, store.RoleAdmin), email, "").Expect(t, 201)
	invitation := s.Mail.Await(t, email, "invited").Token(t, "/reset-password")
	guest := s.NewClient(t)
	guest.Do(t, "POST", "/auth/forgot-password", map[string]any{"email": email}).Expect(t, 202)
	reset := s.Mail.Await(t, email, "Choose a new password").Token(t, "/reset-password")
	guest.Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": reset, "password": apitest.Password,
	}).Expect(t, 204)
	guest.Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": invitation, "password": "another-quiet-harbour",
	}).Expect(t, 422)
	guest.Login(t, email, apitest.Password).Expect(t, 200)
}

func TestAdministratorsCreate(t *testing.T) {
	s := apitest.NewServer(t, registration(store.RegistrationClosed))
	admin, email := s.NewUser(t, store.RoleAdmin), apitest.NewEmail()
	create(t, admin, email, "").Problem(t, 403, "registration-closed")
	create(t, admin, email, "password").Problem(t, 422, "common-password")
	create(t, admin, "dana", apitest.Password).Problem(t, 422, "invalid")
	create(t, admin, email, apitest.Password).Expect(t, 201)
	p := s.NewClient(t)
	p.Email = email
	p.SignIn(t)
	p.ID = p.Profile(t).ID
	if got := p.Profile(t).Role; got != store.RoleTutor {
		t.Errorf("role %s", got)
	}
	other := s.NewClient(t)
	other.Email = email
	other.SignIn(t)

	all := "/api/sessions/user/" + p.ID
	var ended struct{ Ended int }
	admin.Do(t, "DELETE", all, nil).Expect(t, 200).Decode(t, &ended)
	if ended.Ended != 2 {
		t.Errorf("%d sessions ended, want 2", ended.Ended)
	}
	for _, c := range []*apitest.Client{p, other} {
		c.Do(t, "GET", "/api/users/profile", nil).Expect(t, 401)
	}
	p.SignIn(t)
	s.Forward(11 * time.Minute)
	admin.RenewTokens(t)
	admin.Do(t, "DELETE", "/api/users/"+p.ID, nil).Problem(t, 403, "reauthentication-required")
	admin.Reauthenticate(t)
	admin.Do(t, "DELETE", "/api/users/"+p.ID, nil).Expect(t, 204)
	p.Do(t, "GET", "/api/users/profile", nil).Expect(t, 401)
	p.Login(t, email, apitest.Password).Expect(t, 401)
	admin.Do(t, "GET", "/api/users/"+p.ID, nil).Problem(t, 404, "not-found")
	admin.Do(t, "DELETE", "/api/users/"+p.ID, nil).Problem(t, 404, "not-found")
	s.Mail.Await(t, email, "deleted")
}

// TestRegistrationModes checks that nobody registers unless registration is open, and that the
// answer does not depend on whether the address has an account.
func TestRegistrationModes(t *testing.T) {
	for mode, code := range map[store.Registration]string{
		store.RegistrationOpen: "", store.RegistrationInvitation: "invitation-needed",
		store.RegistrationClosed: "registration-closed",
	} {
		s := apitest.NewServer(t, registration(mode))
		var state struct{ Registration store.Registration }
		guest := s.NewClient(t)
		guest.Do(t, "GET", "/auth/registration", nil).Expect(t, 200).Decode(t, &state)
		if state.Registration != mode {
			t.Errorf("registration is %q, want %q", state.Registration, mode)
		}
		taken := s.NewUser(t, store.RoleCandidate).Email
		for _, email := range []string{taken, apitest.NewEmail()} {
			a := guest.Do(t, "POST", "/auth/register", map[string]any{
				"email": email, "password": apitest.Password, "name": "Dana",
			})
			if code == "" {
				a.Expect(t, 202)
			} else {
				a.Problem(t, 403, code)
			}
		}
	}
}
