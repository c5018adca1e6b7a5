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

// Request has information about a request that the middlewares and the handler share. It is in the
// request's context. It is safe for concurrent use.
type Request struct {
	ID     string // UUID
	IP     string // of the client, not of a trusted proxy
	Secure bool   // came over TLS, to this server or to the proxy
	Agent  string
	Host   string // the Host header
	header http.Header

	mu   sync.Mutex
	user string
	errs error
}

type requestKey struct{}

// maxAgent is the number of bytes that are kept of a User-Agent header.
const maxAgent = 400

// WithRequest adds a Request to the context of r. secure means that the public address is https.
func WithRequest(r *http.Request, secure bool, proxies Proxies) (*http.Request, *Request) {
	ip, tls := proxies.Client(r)
	agent := r.UserAgent()
	info := &Request{
		ID: uuid.NewString(), IP: ip, Secure: secure || tls,
		Agent: strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""),
		Host:  r.Host, header: r.Header,
	}
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, info)), info
}

// Fingerprint returns a hash of headers that a browser sends unchanged for years. It is enough to
// recognise a device in a list of a few, and too little to track it. It leaves out version
// numbers, which change every month.
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
		// Writing to a hash never fails.
		_ = binary.Write(sum, binary.BigEndian, uint32(len(value)))
		_, _ = io.WriteString(sum, value)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// RequestFrom returns the Request of a context, or nil outside a request.
func RequestFrom(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// Network returns what quotas count as the client's address: for IPv6 the /64 network.
func (r *Request) Network() string { return NetworkOf(r.IP) }

// Network returns what quotas count as the client's address: for IPv6 the /64 network. It is empty
// outside a request.
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

// SetUser records the user who makes the request, for the log.
func (r *Request) SetUser(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user = id
}

// SetError records an error of the request, for the log.
func (r *Request) SetError(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = errors.Join(r.errs, err)
}

// Outcome returns what SetUser and SetError recorded.
func (r *Request) Outcome() (user string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.user, r.errs
}

// WriteWithin limits the time in which the client must have received the response. Zero means no
// limit.
func WriteWithin(w http.ResponseWriter, d time.Duration) {
	deadline := time.Time{}
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	// This fails when the connection is closed, in which case writing fails as well, and for the
	// recorder of a test.
	_ = http.NewResponseController(w).SetWriteDeadline(deadline)
}
