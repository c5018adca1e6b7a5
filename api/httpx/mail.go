package httpx

import (
	"context"
	"time"

	"bedside/store"
)

// NewMail returns a mail job with the time, address and device of the request, which the message
// mentions. The caller sets the recipient.
func NewMail(ctx context.Context, template store.MailTemplate, asked time.Time) store.Mail {
	m := store.Mail{Template: template, Asked: asked.UTC()}
	if r := RequestFrom(ctx); r != nil {
		m.IP, m.Device = r.IP, DeviceOf(r.Agent).String()
	}
	return m
}

// CheckMail is the response to a request that may send mail. It is the same whether mail is sent
// or not, so that it does not reveal whether an address has an account.
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
