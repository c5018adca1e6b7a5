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

// SMTP sends messages through a mail server. It is safe for concurrent use: it opens a connection
// for each message.
type SMTP struct {
	host    string
	from    mail.Address
	options []gomail.Option
	clock   func() time.Time
}

// smtpTimeout is the time limit of each exchange with the mail server.
const smtpTimeout = 20 * time.Second

// NewSMTP returns a sender for smtp://user:password@host:587, which requires STARTTLS, or for
// smtps://host:465, which uses TLS from the beginning. With ?starttls=never the connection is not
// encrypted; use that only for a server on the same machine or network. The error contains no
// password.
func NewSMTP(address, from string, clock func() time.Time) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("mail: the address of the mail server is not of the form " +
			"smtp://user:password@host:587 or smtps://host:465")
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("mail: the sender %q is not of the form Name <name@example.org>",
			from)
	}
	s := &SMTP{
		host: u.Hostname(), from: *sender, clock: clock,
		options: []gomail.Option{gomail.WithTimeout(smtpTimeout)},
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
		return nil, errors.New("mail: the address of the mail server must begin with smtp:// or " +
			"smtps://, and starttls must be always or never")
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("mail: the port %q of the mail server is not a number", p)
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

// Send passes a message to the mail server. It returns store.ErrInvalid when the server rejects it
// permanently.
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
		return fmt.Errorf("mail: the server rejects it permanently (%d): %w", refused.ErrorCode(),
			store.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// compose returns the message to send, with a plain text and an HTML part.
func compose(from mail.Address, m Message, now time.Time) (*gomail.Msg, error) {
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	message.FromMailAddress(&from)
	if err := message.To(m.To); err != nil {
		return nil, fmt.Errorf("mail: the recipient's address is not valid: %w", store.ErrInvalid)
	}
	message.Subject(m.Subject)
	message.SetDateWithValue(now)
	_, domain, _ := strings.Cut(from.Address, "@")
	message.SetMessageIDWithValue(uuid.NewString() + "@" + domain)
	// This asks mail systems not to send automatic replies (RFC 3834).
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return message, nil
}
