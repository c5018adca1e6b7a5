package users

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

// Factors keeps second factors and the sign-ins that wait for them; store/postgres does.
type Factors interface {
	Factor(ctx context.Context, userID string) (store.Factor, error)
	ChangeFactor(ctx context.Context, userID string,
		rule func(store.User, *store.Factor) (store.Effects, error)) error
	BeginSignIn(ctx context.Context, u store.User, s store.SignIn) error
	FinishSignIn(ctx context.Context, hash []byte,
		rule func(*store.SignIn, store.User, *store.Factor) error) (store.User, error)
}

func (s *Service) factorRoutes(api huma.API) {
	own := func(id, method, path, summary, description string, status int,
		errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/users/profile/factors" + path, Tags: []string{"factors"},
			Summary: summary, Description: description, DefaultStatus: status, Errors: errors}
	}
	const proof = " Needs a recent proof of who you are."
	httpx.Register(api,
		own("get-factors", http.MethodGet, "", "Say by what you prove who you are",
			"Secrets are not told.", http.StatusOK),
		s.factors)
	httpx.Register(api, own("begin-totp", http.MethodPost, "/totp", "Set an authenticator app up",
		"Gives a secret for the app. It counts once a code of it was confirmed; asking again gives another secret."+proof,
		http.StatusOK, http.StatusForbidden, http.StatusConflict), s.beginTOTP)
	httpx.Register(api, own("confirm-totp", http.MethodPost, "/totp/confirm", "Turn the authenticator app on with a code of it",
		"Gives recovery codes, which are shown this once."+proof,
		http.StatusOK, http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests), s.confirmTOTP)
	httpx.Register(api, own("remove-totp", http.MethodDelete, "/totp", "Turn the authenticator app off", "Its recovery codes go with it."+proof,
		http.StatusNoContent, http.StatusForbidden, http.StatusNotFound), s.removeTOTP)
	httpx.Register(api, own("renew-recovery-codes", http.MethodPost, "/recovery-codes", "Get new recovery codes", "The old ones work no more."+proof,
		http.StatusOK, http.StatusForbidden, http.StatusNotFound), s.renewRecoveryCodes)
}

// FactorList says by what somebody proves who they are.
type FactorList struct {
	Password          bool      `json:"password"`
	TOTP              TOTP      `json:"totp"`
	RecoveryCodesLeft int       `json:"recovery_codes_left" example:"10"`
	Passkeys          []Passkey `json:"passkeys"`
}

// TOTP is an authenticator app.
type TOTP struct {
	Enabled bool       `json:"enabled"`
	Since   *time.Time `json:"since,omitempty"`
}

type factorsOutput struct{ Body FactorList }

func (s *Service) factors(ctx context.Context, _ *struct{}) (*factorsOutput, error) {
	u, err := s.me(ctx)
	if err != nil {
		return nil, err
	}
	f, err := s.Store.Factor(ctx, u.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	keys, err := s.Store.Passkeys(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	out := &factorsOutput{Body: FactorList{
		Password: u.PasswordHash != "", TOTP: TOTP{
			Enabled: f.On(), Since: f.ConfirmedAt,
		}, RecoveryCodesLeft: len(f.Recovery), Passkeys: []Passkey{},
	}}
	for _, k := range keys {
		out.Body.Passkeys = append(out.Body.Passkeys, viewPasskey(k))
	}
	return out, nil
}

// TOTPSetup is what an authenticator app needs to know.
type TOTPSetup struct {
	Secret string `json:"secret" doc:"to type in" example:"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"`
	URI    string `json:"uri" doc:"to show as a QR code" example:"otpauth://totp/Bedside:dana@example.org?secret=JBSWY3DPEHPK3PXP"`
}

type totpSetupOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         TOTPSetup
}

var errTOTPIsOn = &httpx.Fault{
	Err: store.ErrConflict, Code: "factor-is-on",
	Detail: "The authenticator app is on already. Turn it off first.",
}

func (s *Service) beginTOTP(ctx context.Context, _ *struct{}) (*totpSetupOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	secret := auth.NewTOTPSecret()
	sealed, err := s.Sessions.Seal(secret, p.User.ID)
	if err != nil {
		return nil, err
	}
	var email string
	err = s.Store.ChangeFactor(ctx, p.User.ID, func(u store.User,
		f *store.Factor) (store.Effects, error) {
		if f.On() {
			return store.Effects{}, errTOTPIsOn
		}
		email = u.Email
		*f = store.Factor{UserID: u.ID, Secret: sealed}
		return store.Effects{}, nil
	})
	if err != nil {
		return nil, err
	}
	return &totpSetupOutput{
		CacheControl: "no-store",
		Body:         TOTPSetup{Secret: auth.TOTPText(secret), URI: auth.TOTPAddress(secret, email)},
	}, nil
}

// Code is a code of an authenticator app.
type Code struct {
	Code string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" example:"123456"`
}

type codeInput struct{ Body Code }

// RecoveryCodes are for when the app is lost; each works once.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recovery_codes" example:"[\"abcd-efgh-ijkl-mnop\"]"`
}

type recoveryOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         RecoveryCodes
}

var errWrongCode = &httpx.Fault{
	Err: store.ErrInvalid, Code: "wrong-code",
	Detail: "This is not the code that the app shows now. Check that the clock of your device is right.",
}

func (s *Service) confirmTOTP(ctx context.Context, in *codeInput) (*recoveryOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, "code:"+p.User.ID, s.Limits.LoginPerAccount); err != nil {
		return nil, err
	}
	codes, hashes := auth.NewRecoveryCodes(p.User.ID)
	now := s.Clock().UTC()
	err = s.Store.ChangeFactor(ctx, p.User.ID, func(u store.User,
		f *store.Factor) (store.Effects, error) {
		switch {
		case f.On():
			return store.Effects{}, errTOTPIsOn
		case len(f.Secret) == 0:
			return store.Effects{}, &httpx.Fault{
				Err: store.ErrState, Code: "not-begun",
				Detail: "Set the authenticator app up first.",
			}
		}
		if err := s.takeTOTP(f, in.Body.Code, now); err != nil {
			return store.Effects{}, err
		}
		f.ConfirmedAt, f.Recovery = &now, hashes
		return s.noted(ctx, store.ActAddFactor, store.LetterFactorAdded, u,
			"an authenticator app"), nil
	})
	if err != nil {
		return nil, err
	}
	return &recoveryOutput{CacheControl: "no-store", Body: RecoveryCodes{codes}}, nil
}

// takeTOTP takes a code of the app, once.
func (s *Service) takeTOTP(f *store.Factor, code string, now time.Time) error {
	secret, err := s.Sessions.Unseal(f.Secret, f.UserID)
	if err != nil {
		return err
	}
	step, ok := auth.TOTPStep(secret, code, now)
	if !ok {
		return errWrongCode
	}
	if err := f.UseStep(step); err != nil {
		return &httpx.Fault{
			Err: store.ErrInvalid, Code: "wrong-code",
			Detail: "This code was used before. Wait for the app to show the next one.",
		}
	}
	return nil
}

// noted is what follows a change of somebody's factors: an entry of the trail and a letter.
func (s *Service) noted(ctx context.Context, action store.Action, kind store.Letter, u store.User,
	what string) store.Effects {
	act, letter := httpx.Act(ctx, action), s.letter(ctx, kind)
	act.Object, letter.UserID, letter.What = what, u.ID, what
	return store.Effects{Acts: []store.Act{act}, Jobs: []store.Job{letter}}
}

var errNoTOTP = &httpx.Fault{Err: store.ErrNotFound, Detail: "There is no authenticator app."}

func (s *Service) removeTOTP(ctx context.Context, _ *struct{}) (*struct{}, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.ChangeFactor(ctx, p.User.ID, func(u store.User,
		f *store.Factor) (store.Effects, error) {
		if !f.On() {
			return store.Effects{}, errNoTOTP
		}
		*f = store.Factor{UserID: u.ID}
		return s.noted(ctx, store.ActRemoveFactor, store.LetterFactorRemoved, u,
			"an authenticator app"), nil
	})
}

func (s *Service) renewRecoveryCodes(ctx context.Context, _ *struct{}) (*recoveryOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	codes, hashes := auth.NewRecoveryCodes(p.User.ID)
	err = s.Store.ChangeFactor(ctx, p.User.ID, func(u store.User,
		f *store.Factor) (store.Effects, error) {
		if !f.On() {
			return store.Effects{}, errNoTOTP
		}
		f.Recovery = hashes
		return s.noted(ctx, store.ActNewCodes, store.LetterFactorAdded, u,
			"new recovery codes"), nil
	})
	if err != nil {
		return nil, err
	}
	return &recoveryOutput{CacheControl: "no-store", Body: RecoveryCodes{codes}}, nil
}
