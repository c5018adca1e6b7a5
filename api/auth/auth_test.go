package auth

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"
)

// testTokens has a fixed key and a fixed time, so that all processes of a fuzz test sign the same.
func testTokens(t testing.TB) *tokens {
	t.Helper()
	clock := func() time.Time { return time.Unix(1_800_000_000, 0) }
	x, err := newTokens(Config{Keys: []Key{NewKey(bytes.Repeat([]byte("k"), 32))}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRefreshTokens(t *testing.T) {
	ring := testTokens(t).ring
	first := newRefreshToken(uuid.New())
	text := ring.formatRefresh(first)
	back, err := ring.parseRefresh(text)
	if err != nil || back != first {
		t.Fatalf("got %v, %v", back, err)
	}
	salt, other := []byte("salt"), []byte("other")
	child, again := first.child(salt), first.child(salt)
	if child != again || child == first.child(other) || child == first {
		t.Error("a child must depend on its parent and the salt alone")
	}
	if bytes.Contains(first.hash(), first.secret[:8]) {
		t.Error("the hash contains the secret")
	}
}

func FuzzParseRefresh(f *testing.F) {
	ring := testTokens(f).ring
	genuine := ring.formatRefresh(refreshToken{
		session: uuid.Max, secret: [secretBytes]byte{1, 2, 3},
	})
	f.Add(genuine)
	f.Add("")
	f.Add(strings.Repeat("A", 86))
	f.Fuzz(func(t *testing.T, s string) {
		token, err := ring.parseRefresh(s)
		if err == nil && ring.formatRefresh(token) != s {
			t.Errorf("%q was parsed as %q", s, ring.formatRefresh(token))
		}
		if err != nil && !errors.Is(err, store.ErrUnauthenticated) {
			t.Errorf("error %v", err)
		}
		if err == nil && s != genuine {
			t.Errorf("%q was invented and accepted", s)
		}
	})
}

func FuzzParseTokens(f *testing.F) {
	x := testTokens(f)
	access, err := x.access(store.User{ID: uuid.Max.String(), Role: store.RoleAdmin},
		uuid.Max.String())
	if err != nil {
		f.Fatal(err)
	}
	claims := joinClaims{RegisteredClaims: x.registered("user", audienceJoin, time.Minute)}
	claims.ID = "id"
	ticket, err := sign(claims, x.ring.current.id, x.ring.current.ticket)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		access, ticket, "", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", strings.Repeat(".", 5000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := x.parseAccess(s); err == nil && s != access {
			t.Errorf("%q was invented and accepted as an access token", s)
		}
		if _, err := x.parseTicket(s); err == nil && s != ticket {
			t.Errorf("%q was invented and accepted as a ticket", s)
		}
	})
}

func TestTokenTimes(t *testing.T) {
	now := time.Now()
	x, err := newTokens(Config{
		Keys: []Key{NewKey(bytes.Repeat([]byte("k"), 32))}, Clock: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	access, err := x.access(store.User{}, "s")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  error
	}{
		{0, nil}, {10*time.Minute + leeway - 2*time.Second, nil}, {
			10*time.Minute + leeway + 2*time.Second, store.ErrExpired,
		},
		// the verifier's clock is behind: a little, and too far
		{-leeway + 2*time.Second, nil}, {-time.Minute, store.ErrUnauthenticated},
	} {
		now = now.Add(c.after)
		if _, err := x.parseAccess(access); !errors.Is(err, c.want) {
			t.Errorf("after %v: %v", c.after, err)
		}
		now = now.Add(-c.after)
	}
}

func TestPasswords(t *testing.T) {
	p, err := NewPasswords(Config{HashCost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	long := strings.Repeat("p", MaxPassword)
	for _, good := range []string{"12345678", long} {
		hash, err := p.Hash(ctx, good)
		if err != nil {
			t.Fatal(err)
		}
		for guess, want := range map[string]bool{
			good: true, good + "x": false, good[:7]: false, "": false,
		} {
			if ok, err := p.Compare(ctx, hash, guess); err != nil || ok != want {
				t.Errorf("%q for %q: %v, %v", guess, good, ok, err)
			}
		}
	}
	for _, bad := range []string{"", "1234567", long + "p"} {
		if _, err := p.Hash(ctx, bad); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if ok, err := p.Compare(ctx, "", "nobody has this password"); ok || err != nil {
		t.Errorf("no account: %v, %v", ok, err)
	}
	if _, err := p.Compare(ctx, "not a hash", "password"); err == nil {
		t.Error("a malformed hash is not an error")
	}
}

// TestPasswordPoolIsBounded fills every place, and checks that the next caller gets an error at
// once.
func TestPasswordPoolIsBounded(t *testing.T) {
	p, err := NewPasswords(Config{HashCost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	release, inside := make(chan struct{}), make(chan struct{}, cap(p.places))
	var all sync.WaitGroup
	for range cap(p.places) {
		all.Go(func() {
			if err := p.work(context.Background(), func() error {
				inside <- struct{}{}
				<-release
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for range cap(p.slots) {
		<-inside
	}
	for len(p.places) < cap(p.places) {
		time.Sleep(time.Millisecond)
	}
	if _, err := p.Hash(t.Context(), "a password"); !errors.Is(err, store.ErrLimit) {
		t.Errorf("got %v", err)
	}
	close(release)
	all.Wait()
	if _, err := p.Hash(t.Context(), "a password"); err != nil {
		t.Error(err)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	keys := make([]Key, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = KeyFromFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, k := range keys {
		if k.ID != keys[0].ID || !bytes.Equal(k.Secret, keys[0].Secret) || len(k.Secret) != 32 {
			t.Fatal("two processes made different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := KeyFromFile(path); err == nil {
		t.Error("nonsense was accepted as a key")
	}
}
