package api_test

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

	letters "bedside/api/mail"
	"bedside/store"
	"bedside/store/postgres"

	"github.com/emersion/go-smtp"
)

const site = "https://bedside.example"

// post is the mail server that the package's tests share; each looks for letters to addresses of
// its own.
var post *postOffice

// postOffice is a real mail server, with the process that does jobs and sends to it.
type postOffice struct {
	server *smtp.Server
	jobs   *postgres.Jobs
	served chan error

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when a letter comes
	all     []received
	tries   map[string]int
}

type received struct {
	from, to, subject, text, html string
	header                        mail.Header
}

func openPostOffice(ctx context.Context) (*postOffice, error) {
	p := &postOffice{changed: make(chan struct{}), served: make(chan error, 1), tries: map[string]int{}}
	p.server = smtp.NewServer(p)
	p.server.Domain, p.server.MaxMessageBytes = "localhost", 1<<20
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { p.served <- p.server.Serve(listener) }()
	sender, err := letters.NewSMTP("smtp://"+listener.Addr().String()+"?starttls=never", "Bedside <bedside@example.org>", time.Now)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	service, err := letters.New(db, sender, func() string { return site }, time.Now, log)
	if err != nil {
		return nil, err
	}
	p.jobs = db.Jobs(1)
	if err := postgres.HandleJob(p.jobs, time.Minute, service.Deliver); err != nil {
		return nil, err
	}
	return p, p.jobs.Start(ctx)
}

func (p *postOffice) close(ctx context.Context) error {
	err := errors.Join(p.jobs.Close(ctx), p.server.Close())
	if served := <-p.served; !errors.Is(served, smtp.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// NewSession is the mail server's question.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{office: p}, nil }

type delivery struct {
	office *postOffice
	r      received
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error { d.r.from = from; return nil }
func (d *delivery) Reset()                                      {}
func (d *delivery) Logout() error                               { return nil }

// Rcpt refuses addresses by their names: for good, or the first time.
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	d.office.tries[to]++
	switch {
	case strings.HasPrefix(to, "nobody-"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case strings.HasPrefix(to, "later-") && d.office.tries[to] == 1:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again"}
	}
	d.r.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	d.r.header = m.Header
	if d.r.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
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
			d.r.html = string(b)
		} else {
			d.r.text = string(b)
		}
	}
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	d.office.all = append(d.office.all, d.r)
	close(d.office.changed)
	d.office.changed = make(chan struct{})
	return nil
}

// letter waits for a letter to the address whose subject holds words, and takes it away.
func (p *postOffice) letter(t *testing.T, to, words string) received {
	t.Helper()
	late := time.After(2 * time.Minute)
	for {
		p.mu.Lock()
		for i, r := range p.all {
			if r.to == to && strings.Contains(r.subject, words) {
				p.all = append(p.all[:i:i], p.all[i+1:]...)
				p.mu.Unlock()
				return r
			}
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-late:
			t.Fatalf("no letter about %q came to %s", words, to)
		}
	}
}

// letters gives what has come to an address, after the queue was seen to be done with what was
// asked for before.
func (p *postOffice) letters(t *testing.T, to string) (list []received) {
	t.Helper()
	marker := "marker-" + strings.ToLower(t.Name()) + "@example.org"
	if err := db.ApplyEffects(t.Context(), store.Effects{Jobs: []store.Job{store.Mail{Letter: store.LetterAccountDeleted, To: marker, Asked: time.Now()}}}); err != nil {
		t.Fatal(err)
	}
	p.letter(t, marker, "deleted")
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		if r.to == to {
			list = append(list, r)
		}
	}
	return list
}

// token finds what the letter's link carries.
func (r received) token(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(r.text, site+page+"#token=")
	token, _, _ := strings.Cut(rest, "\n")
	if !ok || len(token) != 43 || !strings.Contains(r.html, page+"#token="+token) {
		t.Fatalf("no link to %s in %s", page, r.text)
	}
	return token
}
