package factors

import (
	"context"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// TOTPSetup is what an authenticator app needs to know.
type TOTPSetup struct {
	Secret string `json:"secret" doc:"to type in" example:"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"`
	URI    string `json:"uri" doc:"to show as a QR code" example:"otpauth://totp/Bedside:dana@example.org?secret=JBSWY3DPEHPK3PXP"`
}

type totpSetupOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         TOTPSetup
}

// errTOTPIsOn is returned when an app is to be set up while another one is on.
var errTOTPIsOn = &httpx.Fault{
	Err: store.ErrConflict, Code: "factor-is-on",
	Detail: "The authenticator app is on already. Turn it off first.",
}

// errNoTOTP is returned when there is no app to turn off or to renew the codes of.
var errNoTOTP = &httpx.Fault{Err: store.ErrNotFound, Detail: "There is no authenticator app."}

func (s *Service) beginTOTP(ctx context.Context, _ *struct{}) (*totpSetupOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	secret := auth.NewTOTPSecret()
	sealed, err := s.Sessions.Seal(secret, p.User.ID)
	if err != nil {
		return nil, err
	}
	var email string
	err = s.Store.ChangeFactor(ctx, p.User.ID,
		func(u store.User, f *store.Factor) (store.Effects, error) {
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
	return &totpSetupOutput{CacheControl: "no-store", Body: TOTPSetup{
		Secret: auth.FormatTOTPSecret(secret), URI: auth.TOTPURI(secret, email),
	}}, nil
}

// Code is a code of an authenticator app.
type Code struct {
	Code string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" example:"123456"`
}

type codeInput struct{ Body Code }

// RecoveryCodes replace the app when it is lost; each works once.
type RecoveryCodes struct {
	RecoveryCodes []string `json:"recovery_codes" example:"[\"abcd-efgh-ijkl-mnop\"]"`
}

type recoveryOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         RecoveryCodes
}

func (s *Service) confirmTOTP(ctx context.Context, in *codeInput) (*recoveryOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Tries.Spend(ctx, auth.PerMinute("code:"+p.User.ID,
		s.Tries.Limits.LoginPerAccount)); err != nil {
		return nil, err
	}
	codes, hashes := auth.NewRecoveryCodes(p.User.ID)
	now := s.Clock().UTC()
	err = s.Store.ChangeFactor(ctx, p.User.ID,
		func(u store.User, f *store.Factor) (store.Effects, error) {
			switch {
			case f.On():
				return store.Effects{}, errTOTPIsOn
			case len(f.Secret) == 0:
				return store.Effects{}, &httpx.Fault{
					Err: store.ErrState, Code: "not-begun",
					Detail: "Set the authenticator app up first.",
				}
			}
			if err := s.Sessions.UseTOTP(f, in.Body.Code, now); err != nil {
				return store.Effects{}, err
			}
			f.ConfirmedAt, f.Recovery = &now, hashes
			return s.changeEffects(ctx, store.ActAddFactor, store.MailFactorAdded, u,
				"an authenticator app"), nil
		})
	if err != nil {
		return nil, err
	}
	return &recoveryOutput{CacheControl: "no-store", Body: RecoveryCodes{codes}}, nil
}

func (s *Service) removeTOTP(ctx context.Context, _ *struct{}) (*struct{}, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	return nil, s.Store.ChangeFactor(ctx, p.User.ID,
		func(u store.User, f *store.Factor) (store.Effects, error) {
			if !f.On() {
				return store.Effects{}, errNoTOTP
			}
			*f = store.Factor{UserID: u.ID}
			return s.changeEffects(ctx, store.ActRemoveFactor, store.MailFactorRemoved, u,
				"an authenticator app"), nil
		})
}

func (s *Service) renewRecoveryCodes(ctx context.Context, _ *struct{}) (*recoveryOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	codes, hashes := auth.NewRecoveryCodes(p.User.ID)
	err = s.Store.ChangeFactor(ctx, p.User.ID,
		func(u store.User, f *store.Factor) (store.Effects, error) {
			if !f.On() {
				return store.Effects{}, errNoTOTP
			}
			f.Recovery = hashes
			return s.changeEffects(ctx, store.ActNewCodes, store.MailFactorAdded, u,
				"new recovery codes"), nil
		})
	if err != nil {
		return nil, err
	}
	return &recoveryOutput{CacheControl: "no-store", Body: RecoveryCodes{codes}}, nil
}
