package httpx

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"
)

// Request is what is known of a request beside its content. It is shared by the middlewares and
// the handler of one request.
type Request struct {
	ID     string // UUID
	IP     string // of the client, not of a trusted proxy in front
	Secure bool   // came over TLS, or through a proxy that did
	Agent  string
	Host   string // as the client names this server
	header http.Header

	mu   sync.Mutex
	user string
	errs error
}

type requestKey struct{}

// maxAgent bounds what is kept of a User-Agent header.
const maxAgent = 400

// WithRequest gives r a Request. secure says that the public address is https.
func WithRequest(r *http.Request, secure bool, proxies Proxies) (*http.Request, *Request) {
	ip, tls := proxies.Client(r)
	agent := r.UserAgent()
	info := &Request{
		ID: uuid.NewString(), IP: ip, Secure: secure || tls, Agent: strings.ToValidUTF8(
			agent[:min(len(agent), maxAgent)], ""), Host: r.Host, header: r.Header,
	}
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, info)), info
}

// Fingerprint is a hash of what a browser sends alike for years: enough to recognise a device,
// too little to track it. Version numbers are left out, since they change every month.
func (r *Request) Fingerprint() string {
	sum := sha256.New()
	for _, name := range []string{
		"User-Agent", "Accept-Language", "Sec-CH-UA-Platform", "Sec-CH-UA-Mobile",
	} {
		value := strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) || r == '.' {
				return -1
			}
			return r
		}, strings.Join(r.header.Values(name), ","))
		_ = binary.Write(sum, binary.BigEndian, uint32(len(value))) // a hash takes everything
		_, _ = io.WriteString(sum, value)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// RequestFrom finds the Request of a context; nil outside one.
func RequestFrom(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// Network is what limits take for the client's address.
func (r *Request) Network() string { return network(r.IP) }

// Network returns what quotas count as the client's address: of IPv6, the /64. It is empty outside a
// request.
func Network(ctx context.Context) string {
	if r := RequestFrom(ctx); r != nil {
		return r.Network()
	}
	return ""
}

// Host returns the request's Host header, empty outside a request.
func Host(ctx context.Context) string {
	if r := RequestFrom(ctx); r != nil {
		return r.Host
	}
	return ""
}

// SetUser notes who makes the request, for the log.
func (r *Request) SetUser(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user = id
}

// SetError notes what went wrong, for the log.
func (r *Request) SetError(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = errors.Join(r.errs, err)
}

// Outcome gives what was noted.
func (r *Request) Outcome() (user string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.user, r.errs
}

// WriteWithin gives a client so long to read the answer; zero: as long as it likes.
func WriteWithin(w http.ResponseWriter, d time.Duration) {
	deadline := time.Time{}
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	// Fails on a connection that is gone, which the write will find out, and on a recorder in a
	// test.
	_ = http.NewResponseController(w).SetWriteDeadline(deadline)
}
