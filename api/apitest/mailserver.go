package apitest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	bedsidemail "bedside/api/mail"
	"bedside/store"
	"bedside/store/postgres"

	"github.com/emersion/go-smtp"
)

// SiteURL is the public URL that links in mails begin with.
const SiteURL = "https://bedside.example"

// MailServer is a real SMTP server, together with the worker that does the mail jobs and sends to
// it. Tests share it; each looks for mails to addresses of its own. It refuses addresses by their
// names: "nobody-..." for good, "later-..." the first time.
type MailServer struct {
	db     *postgres.DB
	server *smtp.Server
	jobs   *postgres.Jobs
	served chan error

	mu      sync.Mutex    // guards the fields below
	changed chan struct{} // closed and replaced when a mail arrives
	mails   []Mail
	tries   map[string]int
}

// Mail is a mail that the server has received.
type Mail struct {
	From, To, Subject, Text, HTML string
	Header                        mail.Header
}

func startMailServer(ctx context.Context, db *postgres.DB) (*MailServer, error) {
	p := &MailServer{
		db: db, changed: make(chan struct{}), served: make(chan error, 1), tries: map[string]int{},
	}
	p.server = smtp.NewServer(p)
	p.server.Domain, p.server.MaxMessageBytes = "localhost", 1<<20
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { p.served <- p.server.Serve(listener) }()
	url := "smtp://" + listener.Addr().String() + "?starttls=never"
	sender, err := bedsidemail.NewSMTP(url, "Bedside <bedside@example.org>", time.Now)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	service, err := bedsidemail.New(db, sender, func() string { return SiteURL }, time.Now, log)
	if err != nil {
		return nil, err
	}
	p.jobs = db.Jobs(1)
	if err := postgres.HandleJob(p.jobs, time.Minute, service.Deliver); err != nil {
		return nil, err
	}
	return p, p.jobs.Start(ctx)
}

func (p *MailServer) close(ctx context.Context) error {
	err := errors.Join(p.jobs.Close(ctx), p.server.Close())
	if served := <-p.served; !errors.Is(served, smtp.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// NewSession implements smtp.Backend.
func (p *MailServer) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &smtpSession{server: p}, nil
}

type smtpSession struct {
	server *MailServer
	m      Mail
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error { s.m.From = from; return nil }
func (s *smtpSession) Reset()                                      {}
func (s *smtpSession) Logout() error                               { return nil }

// Rcpt implements smtp.Session.
func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.tries[to]++
	switch {
	case strings.HasPrefix(to, "nobody-"):
		return &smtp.SMTPError{
			Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox",
		}
	case strings.HasPrefix(to, "later-") && s.server.tries[to] == 1:
		return &smtp.SMTPError{
			Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again",
		}
	}
	s.m.To = to
	return nil
}

func (s *smtpSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	s.m.Header = m.Header
	if s.m.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		b, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return err
		}
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			s.m.HTML = string(b)
		} else {
			s.m.Text = string(b)
		}
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.m)
	close(s.server.changed)
	s.server.changed = make(chan struct{})
	return nil
}

// Await waits for a mail to the address whose subject contains words, and removes it from those
// that later calls see.
func (p *MailServer) Await(t testing.TB, to, words string) Mail {
	t.Helper()
	timeout := time.After(2 * time.Minute)
	for {
		p.mu.Lock()
		for i, m := range p.mails {
			if m.To == to && strings.Contains(m.Subject, words) {
				p.mails = append(p.mails[:i:i], p.mails[i+1:]...)
				p.mu.Unlock()
				return m
			}
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("no mail about %q came to %s", words, to)
		}
	}
}

// All returns the mails to an address that Await has not removed. It first waits until the worker
// has done every mail job asked for before the call.
func (p *MailServer) All(t testing.TB, to string) (list []Mail) {
	t.Helper()
	marker := "marker-" + strings.ToLower(t.Name()) + "@example.org"
	if err := p.db.ApplyEffects(t.Context(), store.Effects{Jobs: []store.Job{
		store.Mail{Template: store.MailAccountDeleted, To: marker, Asked: time.Now()},
	}}); err != nil {
		t.Fatal(err)
	}
	p.Await(t, marker, "deleted")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		if m.To == to {
			list = append(list, m)
		}
	}
	return list
}

// Tries returns the number of times that delivery to an address was tried.
func (p *MailServer) Tries(to string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries[to]
}

// Token returns the token of the mail's link to a page of the web.
func (m Mail) Token(t testing.TB, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(m.Text, SiteURL+page+"#token=")
	token, _, _ := strings.Cut(rest, "\n")
	if !ok || len(token) != 43 || !strings.Contains(m.HTML, page+"#token="+token) {
		t.Fatalf("no link to %s in %s", page, m.Text)
	}
	return token
}
