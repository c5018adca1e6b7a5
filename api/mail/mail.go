// Package mail writes and sends the mail that changes of accounts cause, such as the link that
// confirms an address. A change adds a store.Mail job in its transaction; Service.Deliver then
// runs the job: it finds the recipient, makes the token of the link, fills in the template, and
// sends the message by SMTP or, without a mail server, saves it in the outbox folder.
package mail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/store"
)

// Store finds recipients and stores the tokens of links. store/postgres implements it.
type Store interface {
	User(ctx context.Context, id string) (store.User, error)
	UserByEmail(ctx context.Context, email string) (store.User, error)
	CreateMailToken(ctx context.Context, t store.MailToken) error
}

// Message is a mail message.
type Message struct {
	To      string
	Subject string
	Text    string
	HTML    string
}

// Sender sends a message. It returns store.ErrInvalid when trying again is useless, for example
// because the mail server rejects the recipient's address.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Service delivers mail. It is safe for concurrent use.
type Service struct {
	store     Store
	sender    Sender
	site      func() string
	clock     func() time.Time
	log       *slog.Logger
	templates *templates
}

// New returns a service. site returns the address of the web pages; it is called for each message,
// because the address may not be known yet. A nil clock means time.Now.
func New(s Store, sender Sender, site func() string, clock func() time.Time,
	log *slog.Logger) (*Service, error) {
	t, err := parseTemplates()
	if err != nil {
		return nil, err
	}
	if clock == nil {
		clock = time.Now
	}
	return &Service{
		store: s, sender: sender, site: site, clock: clock, log: log, templates: t,
	}, nil
}

// maxDelay is how long after the request a link for a new password is still sent.
const maxDelay = time.Hour

// Deliver runs a mail job of the queue. When the address has no account, it does nothing. It finds
// that out here and not while the request is handled, so that the time of the response does not
// reveal whether there is an account. It returns store.ErrExpired when the job has waited too
// long.
func (s *Service) Deliver(ctx context.Context, m store.Mail) error {
	u, err := s.recipient(ctx, m)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.clock()
	c := content{
		Site: strings.TrimSuffix(s.site(), "/"), When: formatTime(m.Asked, u), IP: m.IP,
		Device: m.Device, What: m.What,
	}
	message := Message{To: cmp.Or(m.To, u.Email)}
	// Anybody can register any name, so a name is not sent to an address that is not confirmed.
	if u.VerifiedAt != nil && message.To == u.Email || m.Name != "" {
		c.Name = cmp.Or(m.Name, u.Name)
	}
	// A link that confirms an address is for one that no account has.
	unowned := m.Template == store.MailConfirmEmail ||
		m.Template == store.MailVerify && u.PendingFrom != ""
	if unowned {
		if owner, err := s.store.UserByEmail(ctx, message.To); err == nil {
			if owner.PendingFrom == "" {
				m.Template = store.MailRegistered // the address has an account already
				if owner.VerifiedAt != nil {
					c.Name = owner.Name
				}
			}
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if m.Template == store.MailGuesses && u.PendingFrom != "" {
		return nil // nobody has the address
	}
	token := store.MailToken{UserID: u.ID, Email: message.To, CreatedAt: now}
	page := ""
	switch m.Template {
	case store.MailVerify:
		if u.VerifiedAt != nil {
			return nil
		}
		token.Purpose, page = store.TokenVerify, "/verify-email"
	case store.MailConfirmEmail:
		token.Purpose, page = store.TokenChange, "/verify-email"
	case store.MailInvitation:
		if u.Disabled || u.PasswordHash != "" {
			return nil
		}
		token.Purpose, page = store.TokenInvite, "/reset-password"
	case store.MailReset:
		if now.Sub(m.Asked) > maxDelay {
			return fmt.Errorf("the link for a new password was requested at %s: %w", m.Asked,
				store.ErrExpired)
		}
		if u.Disabled {
			return nil
		}
		token.Purpose, page = store.TokenReset, "/reset-password"
	}
	if page != "" {
		var secret string
		secret, token.Hash = auth.NewOneTimeToken()
		token.ExpiresAt = now.Add(token.Purpose.Lifetime())
		if err := s.store.CreateMailToken(ctx, token); err != nil {
			return err
		}
		c.Link = c.Site + page + "#token=" + secret // browsers do not send what follows #
		c.Until = formatTime(token.ExpiresAt, u)
	}
	written, err := s.templates.write(m.Template, c)
	if err != nil {
		return err
	}
	written.To = message.To
	if err := s.sender.Send(ctx, written); err != nil {
		return fmt.Errorf("mail %s: %w", m.Template, redacted{err, message.To})
	}
	s.log.Info("sent mail", "template", m.Template, "user", u.ID)
	return nil
}

// redacted is an error without the recipient's address, which must not be in the log.
type redacted struct {
	error
	to string
}

// Error returns the message without the address.
func (e redacted) Error() string {
	return strings.ReplaceAll(e.error.Error(), e.to, "the recipient")
}

// Unwrap returns the error with the address.
func (e redacted) Unwrap() error { return e.error }

// recipient returns the user that a message is for. Of a deleted user only the address and name in
// the job are known.
func (s *Service) recipient(ctx context.Context, m store.Mail) (store.User, error) {
	switch {
	case m.UserID != "":
		return s.store.User(ctx, m.UserID)
	case m.Template == store.MailAccountDeleted:
		return store.User{Email: m.To, Name: m.Name}, nil
	}
	return s.store.UserByEmail(ctx, m.To)
}

// formatTime formats a time in the user's time zone, or in UTC.
func formatTime(t time.Time, u store.User) string {
	if t.IsZero() {
		return ""
	}
	zone, err := time.LoadLocation(u.TimeZone) // UTC when empty
	if err != nil {
		zone = time.UTC // this machine's tables may lack a zone that another one had
	}
	return t.In(zone).Format("2 January 2006, 15:04 MST")
}
