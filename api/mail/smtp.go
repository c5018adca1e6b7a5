package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"
)

// SMTP sends by a mail server. It is safe for concurrent use: each message has a connection of
// its own.
type SMTP struct {
	host    string
	from    mail.Address
	options []gomail.Option
	clock   func() time.Time
}

// smtpTime bounds a word with the mail server.
const smtpTime = 20 * time.Second

// NewSMTP takes smtp://user:password@host:587, which turns to TLS (STARTTLS) or fails, or
// smtps://host:465, which begins with it. With ?starttls=never a server on this machine or
// network is spoken to in the clear. The error shows no password.
func NewSMTP(address, from string, clock func() time.Time) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("mail: the address of the mail server is not of the form smtp://user:password@host:587 or smtps://host:465")
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("mail: the sender %q is not of the form Name <name@example.org>",
			from)
	}
	s := &SMTP{
		host: u.Hostname(), from: *sender, clock: clock,
		options: []gomail.Option{gomail.WithTimeout(smtpTime)},
	}
	starttls := u.Query().Get("starttls")
	port := 587
	switch {
	case u.Scheme == "smtps" && starttls == "":
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	case u.Scheme == "smtp" && (starttls == "" || starttls == "always"):
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case u.Scheme == "smtp" && starttls == "never":
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, errors.New("mail: the address of the mail server begins with smtp:// or smtps://, and starttls is always or never")
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("mail: port %q of the mail server", p)
		}
	}
	s.options = append(s.options, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// Send hands a message to the mail server.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	message, err := compose(s.from, m, s.clock())
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, message)
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 && !refused.IsTemp() {
		return fmt.Errorf("mail: the server refuses it for good (%d): %w", refused.ErrorCode(),
			store.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// compose makes the message that travels, with a plain and a rich form.
func compose(from mail.Address, m Message, now time.Time) (*gomail.Msg, error) {
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(&from)
	if err := message.To(m.To); err != nil {
		return nil, fmt.Errorf("mail: a reader's address cannot be used: %w", store.ErrInvalid)
	}
	message.Subject(m.Subject)
	message.SetDateWithValue(now)
	_, domain, _ := strings.Cut(from.Address, "@")
	message.SetMessageIDWithValue(uuid.NewString() + "@" + domain)
	// RFC 3834: nobody's absence notice is wanted
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return message, nil
}
