package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/go-chi/chi/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// BenchmarkRead compares an authenticated read of one row with the same read through bare chi and
// pgx, which check only the token's signature. It reports the CPU time of this process per request
// for both, and their ratio.
func BenchmarkRead(b *testing.B) {
	s := apitest.NewServer(b)
	p := s.NewUser(b, store.RoleCandidate)
	s.Sessions.SetEventsLive(true) // as in a running server
	pool, err := pgxpool.New(b.Context(), s.DBURL)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	router := chi.NewRouter()
	router.Get("/api/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if _, err := jwt.Parse(access, func(*jwt.Token) (any, error) {
			return []byte("secret"), nil
		}); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		var u httpx.User
		if err := pool.QueryRow(r.Context(),
			`SELECT id::text, email, name, role, profession, created_at FROM users WHERE id = $1`,
			chi.URLParam(r, "id")).
			Scan(&u.ID, &u.Email, &u.Name, &u.Role, &u.Profession, &u.CreatedAt); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(u)
	})
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: p.ID, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}).SignedString([]byte("secret"))
	if err != nil {
		b.Fatal(err)
	}
	compare(b, client{s.Config.Handler, "/api/users/profile", "Bearer " + p.Access}, client{
		router, "/api/users/" + p.ID, "Bearer " + token,
	})
}

// client makes one kind of request to a handler.
type client struct {
	handler             http.Handler
	path, authorization string
}

// compare alternates between the two in small blocks of requests, so that other load on the
// machine affects both.
func compare(b *testing.B, ours, bare client) {
	const block = 25
	var spent [2]time.Duration
	rounds := 0
	for b.Loop() {
		rounds++
		for i, c := range []client{ours, bare} {
			before := cpu(b)
			for range block {
				c.request(b)
			}
			spent[i] += cpu(b) - before
		}
	}
	each := func(d time.Duration) float64 {
		return float64(d.Nanoseconds()) / 1000 / block / float64(rounds)
	}
	b.ReportMetric(each(spent[0]), "cpu-us/request")
	b.ReportMetric(each(spent[1]), "bare-cpu-us/request")
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "times-bare")
}

func (c client) request(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context()) // as net/http does
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", c.path, nil)
	r.Header.Set("Authorization", c.authorization)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatal(w.Code, w.Body)
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
