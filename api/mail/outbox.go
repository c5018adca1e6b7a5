package mail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Outbox is a Sender that saves messages as .eml files in a folder instead of sending them, and
// shows them to a browser on the same machine. It is for development, and safe for concurrent use.
type Outbox struct {
	dir   string
	from  mail.Address
	clock func() time.Time
	page  *template.Template
	style string // the hash of the page's style sheet, for its content security policy

	mu sync.Mutex // held while files are created, listed or removed
}

// maxKept is the number of messages in the folder. Older ones are removed.
const maxKept = 500

// NewOutbox returns an Outbox in a folder, which it creates if it does not exist.
func NewOutbox(dir, from string, clock func() time.Time) (*Outbox, error) {
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("mail: the sender %q is not of the form Name <name@example.org>",
			from)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	page, err := template.ParseFS(files, "templates/outbox.html")
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	b, err := files.ReadFile("templates/outbox.html")
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	_, rest, _ := strings.Cut(string(b), "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return &Outbox{
		dir: dir, from: *sender, clock: clock, page: page,
		style: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}, nil
}

// Send saves a message in the folder.
func (o *Outbox) Send(_ context.Context, m Message) error {
	message, err := compose(o.from, m, o.clock())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := message.WriteTo(&b); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	id, err := uuid.NewV7() // names sort by time
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	path := filepath.Join(o.dir, id.String()+".eml")
	if err := os.WriteFile(path+".part", b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	names, err := o.names()
	for ; err == nil && len(names) > maxKept; names = names[:len(names)-1] {
		err = os.Remove(filepath.Join(o.dir, names[len(names)-1]+".eml"))
	}
	return err
}

// names returns the ids of the messages in the folder, newest first.
func (o *Outbox) names() (list []string, err error) {
	paths, err := filepath.Glob(filepath.Join(o.dir, "*.eml"))
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	for _, p := range paths {
		list = append(list, strings.TrimSuffix(filepath.Base(p), ".eml"))
	}
	slices.Sort(list)
	slices.Reverse(list)
	return list, nil
}

// Kept is a message in the outbox.
type Kept struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Date    time.Time `json:"date"`
	Text    string    `json:"text"`
	Links   []string  `json:"links"`
	HTML    string    `json:"-"`
}

func (o *Outbox) read(id string) (k Kept, err error) {
	f, err := os.Open(filepath.Join(o.dir, id+".eml"))
	if err != nil {
		return k, err
	}
	defer f.Close()
	return parse(id, f)
}

// parse reads a message that compose made.
func parse(id string, r io.Reader) (k Kept, err error) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return k, err
	}
	k = Kept{ID: id, To: strings.Trim(m.Header.Get("To"), "<>"), Links: []string{}}
	if k.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return k, err
	}
	if k.Date, err = m.Header.Date(); err != nil {
		return k, err
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return k, err
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return k, err
		}
		body := io.Reader(part)
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(part)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return k, err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			k.HTML = string(b)
		} else {
			k.Text = strings.ReplaceAll(string(b), "\r\n", "\n")
		}
	}
	for _, word := range strings.Fields(k.Text) {
		if strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://") {
			k.Links = append(k.Links, word)
		}
	}
	return k, nil
}

// OutboxPath is the path that Handler serves.
const OutboxPath = "/dev/outbox"

// Handler serves the list of messages, as a page or as JSON if the Accept header asks for it, and
// below it the HTML part of each message. The links sign people in, so it responds only to clients
// on this machine, over a loopback listener, that use a local host name (no other web site can
// read them) and come through no proxy (which may serve anybody).
func (o *Outbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+OutboxPath, o.list)
	mux.HandleFunc("GET "+OutboxPath+"/{id}", o.one)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.RemoteAddr) || !local(r.Host) || !onLoopback(r) || proxied(r.Header) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// onLoopback reports whether a request came to a loopback address of this machine.
func onLoopback(r *http.Request) bool {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && local(at.String())
}

// proxied reports whether a request has a header that proxies add.
func proxied(h http.Header) bool {
	for name := range h {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") ||
			name == "X-Real-Ip" {
			return true
		}
	}
	return false
}

// local reports whether an address, with or without a port, is this machine.
func local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}

func (o *Outbox) list(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	names, err := o.names()
	items := []Kept{}
	for _, id := range names[:min(len(names), 100)] {
		k, broken := o.read(id)
		if broken != nil {
			k = Kept{
				ID: id, Subject: "(cannot be read: " + broken.Error() + ")", Links: []string{},
			}
		}
		items = append(items, k)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		// fails when the client has disconnected
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src "+o.style+"; frame-ancestors 'none'")
	_ = o.page.Execute(w, items) // as above
}

func (o *Outbox) one(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if uuid.Validate(id) != nil {
		http.NotFound(w, r)
		return
	}
	k, err := o.read(id)
	if errors.Is(err, os.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "+
			"sandbox allow-top-navigation allow-popups")
	_, _ = io.WriteString(w, k.HTML) // as above
}
