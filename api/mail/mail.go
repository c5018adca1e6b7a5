// Package mail writes and sends the letters that changes of accounts ask for: by SMTP, or into a
// folder where there is no mail server.
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

// Store knows whom letters go to, and keeps the tokens of their links; store/postgres does.
type Store interface {
	User(ctx context.Context, id string) (store.User, error)
	UserByEmail(ctx context.Context, email string) (store.User, error)
	CreateMailToken(ctx context.Context, t store.MailToken) error
}

// Message is a letter on its way.
type Message struct {
	To      string
	Subject string
	Text    string
	HTML    string
}

// Sender takes a message to its reader. store.ErrInvalid: nobody will ever take it.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Service is what writes letters. It is safe for concurrent use.
type Service struct {
	store   Store
	sender  Sender
	site    func() string
	clock   func() time.Time
	log     *slog.Logger
	letters *letters
}

// New makes the service. site gives the address of the web pages, without a slash at its end; it
// is asked for each letter.
func New(s Store, sender Sender, site func() string, clock func() time.Time, log *slog.Logger) (*Service, error) {
	l, err := newLetters()
	if err != nil {
		return nil, err
	}
	if clock == nil {
		clock = time.Now
	}
	return &Service{store: s, sender: sender, site: site, clock: clock, log: log, letters: l}, nil
}

// tooLate is how long after it was asked for a letter with a short-lived link is still written.
const tooLate = time.Hour

// Deliver does a job of the queue. A letter for nobody is none: whether an address has an account
// is found out here, where nobody can tell by the time it takes. store.ErrExpired: it is too late
// for this letter.
func (s *Service) Deliver(ctx context.Context, m store.Mail) error {
	u, err := s.reader(ctx, m)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.clock()
	c := content{Site: strings.TrimSuffix(s.site(), "/"), When: when(m.Asked, u), IP: m.IP, Device: m.Device, What: m.What}
	message := Message{To: cmp.Or(m.To, u.Email)}
	if u.VerifiedAt != nil && message.To == u.Email || m.Name != "" {
		c.Name = cmp.Or(m.Name, u.Name) // what anybody may call themselves is not sent to an address that may be another's
	}
	if m.Letter == store.LetterConfirmEmail {
		if _, err := s.store.UserByEmail(ctx, m.To); err == nil {
			m.Letter = store.LetterRegistered // somebody has the address already
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	token := store.MailToken{UserID: u.ID, Email: message.To, CreatedAt: now}
	page := ""
	switch m.Letter {
	case store.LetterVerify:
		if u.VerifiedAt != nil {
			return nil
		}
		token.Purpose, page = store.TokenVerify, "/verify-email"
	case store.LetterConfirmEmail:
		token.Purpose, page = store.TokenChange, "/verify-email"
	case store.LetterReset:
		if now.Sub(m.Asked) > tooLate {
			return fmt.Errorf("a letter to choose a new password was asked for at %s: %w", m.Asked, store.ErrExpired)
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
		c.Link = c.Site + page + "#token=" + secret // what follows # is sent to no server
		c.Until = when(token.ExpiresAt, u)
	}
	written, err := s.letters.write(m.Letter, c)
	if err != nil {
		return err
	}
	written.To = message.To
	if err := s.sender.Send(ctx, written); err != nil {
		return fmt.Errorf("letter %s: %w", m.Letter, unaddressed{err, message.To})
	}
	s.log.Info("sent a letter", "letter", m.Letter, "user", u.ID)
	return nil
}

// unaddressed is an error without the reader's address, which is none of the log's.
type unaddressed struct {
	error
	to string
}

// Error leaves the address out.
func (e unaddressed) Error() string { return strings.ReplaceAll(e.error.Error(), e.to, "the reader") }

// Unwrap gives what it is.
func (e unaddressed) Unwrap() error { return e.error }

// reader finds whom a letter is for. One who is gone by now is known by the address and name in
// the job.
func (s *Service) reader(ctx context.Context, m store.Mail) (store.User, error) {
	switch {
	case m.UserID != "":
		return s.store.User(ctx, m.UserID)
	case m.Letter == store.LetterAccountDeleted:
		return store.User{Email: m.To, Name: m.Name}, nil
	}
	return s.store.UserByEmail(ctx, m.To)
}

// when tells a time in the reader's time zone, or in UTC.
func when(t time.Time, u store.User) string {
	if t.IsZero() {
		return ""
	}
	zone, err := time.LoadLocation(u.TimeZone) // UTC when empty
	if err != nil {
		zone = time.UTC // the zone was known when it was chosen; the machine's tables may differ
	}
	return t.In(zone).Format("2 January 2006, 15:04 MST")
}
