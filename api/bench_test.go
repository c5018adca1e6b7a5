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

	"bedside/api/users"
	"bedside/store"

	"github.com/go-chi/chi/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// BenchmarkRead compares one authenticated read of one row with the same read over chi and pgx alone, which check the token's signature and
// nothing else. Both print the CPU time of this process a request.
func BenchmarkRead(b *testing.B) {
	s := newServer(b)
	p := s.someone(b, store.RoleCandidate)
	s.sessions.Trust(true) // news come in, as on a server
	b.Run("bedside", func(b *testing.B) {
		serve(b, s.Config.Handler, "/api/users/profile", "Bearer "+p.access)
	})
	pool, err := pgxpool.New(b.Context(), dbURL)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	router := chi.NewRouter()
	router.Get("/api/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if _, err := jwt.Parse(access, func(*jwt.Token) (any, error) { return []byte("secret"), nil }); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		var u users.User
		if err := pool.QueryRow(r.Context(), `SELECT id::text, email, name, role, profession, created_at FROM users WHERE id = $1`, chi.URLParam(r, "id")).
			Scan(&u.ID, &u.Email, &u.Name, &u.Role, &u.Profession, &u.CreatedAt); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(u)
	})
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{Subject: p.id, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour))}).SignedString([]byte("secret"))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) { serve(b, router, "/api/users/"+p.id, "Bearer "+token) })
}

func serve(b *testing.B, h http.Handler, path, authorization string) {
	ctx, cancel := context.WithCancel(b.Context()) // as net/http gives one
	defer cancel()
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
