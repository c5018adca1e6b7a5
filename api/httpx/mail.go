package httpx

import (
	"context"
	"time"

	"bedside/store"
)

// NewMail begins a mail job. The mail tells its reader when and from where it was asked for; its
// recipient is up to the caller.
func NewMail(ctx context.Context, kind store.MailTemplate, asked time.Time) store.Mail {
	m := store.Mail{Template: kind, Asked: asked.UTC()}
	if r := RequestFrom(ctx); r != nil {
		m.IP, m.Device = r.IP, DeviceOf(r.Agent).String()
	}
	return m
}

// CheckMail is the answer to a request that may send a mail. It is the same whether one is sent or
// not.
type CheckMail struct {
	Email  string `json:"email" format:"email" example:"dana@example.org"`
	Status string `json:"status" enum:"check_mail"`
}

// CheckMailOutput is a response with a CheckMail.
type CheckMailOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         CheckMail
}

// NewCheckMail returns the response for an address.
func NewCheckMail(email string) *CheckMailOutput {
	return &CheckMailOutput{
		CacheControl: "no-store", Body: CheckMail{Email: email, Status: "check_mail"},
	}
}

// Address is a request body with an e-mail address.
type Address struct {
	Email string `json:"email" minLength:"3" maxLength:"254" example:"dana@example.org"`
}
