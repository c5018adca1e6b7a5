package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"bedside/api"
	"bedside/store"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestLogHoldsNoSecrets does everything that carries a secret, rightly and wrongly, and looks for
// each in the log and in the spans.
func TestLogHoldsNoSecrets(t *testing.T) {
	log, spans := &lockedBuffer{}, tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	s := newServer(t, func(_ *api.Config, d *api.Deps) {
		d.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		d.Tracer = provider.Tracer("test")
	})
	secrets := map[string]string{
		"password": "s3cret-tram-window", "wrong password": "wr0ng-tram-window",
		"new password": "n3w-tram-window",
	}
	email := address()
	p := s.anybody(t)
	p.email = email
	p.do(t, "POST", "/auth/register", map[string]any{
		"email": email, "password": secrets["password"], "name": "Dana",
	}).expect(t, 202)
	secrets["verification"] = post.letter(t, email,
		"Confirm your e-mail address").token(t, "/verify-email")
	p.do(t, "POST", "/auth/verify-email", map[string]any{
		"token": secrets["verification"],
	}).expect(t, 200)
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": secrets["wrong password"],
	}).expect(t, 401)
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": []string{secrets["wrong password"]},
	}).expect(t, 422)
	var g struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	login := map[string]any{"email": email, "password": secrets["password"]}
	p.do(t, "POST", "/auth/login", login).expect(t, 200).into(t, &g)
	secrets["access token"], secrets["refresh token"] = g.AccessToken, g.RefreshToken
	p.access = g.AccessToken
	p.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": g.RefreshToken,
	}).expect(t, 200).into(t, &g)
	secrets["second access token"], secrets["second refresh token"] = g.AccessToken, g.RefreshToken
	login["refresh_in"] = "cookie"
	p.do(t, "POST", "/auth/login", login).expect(t, 200)
	at, err := url.Parse(s.URL + "/auth/refresh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.client.Jar.Cookies(at) {
		secrets["cookie"] = c.Value
	}
	if secrets["cookie"] == "" {
		t.Fatal("no cookie")
	}
	p.do(t, "POST", "/auth/refresh", nil).expect(t, 200)
	p.do(t, "GET", "/api/users/profile?token="+secrets["refresh token"], nil).expect(t, 422)
	p.do(t, "GET", "/"+secrets["refresh token"], nil).expect(t, 404)
	p.do(t, "GET", "/api/scenarios", nil, "Authorization",
		"Bearer "+secrets["access token"]+"x").expect(t, 401)
	p.do(t, "POST", "/auth/forgot-password", map[string]any{"email": email}).expect(t, 202)
	secrets["reset"] = post.letter(t, email, "Choose a new password").token(t, "/reset-password")
	p.do(t, "POST", "/auth/reset-password", map[string]any{
		"token": secrets["reset"] + "x", "password": secrets["new password"],
	}).expect(t, 422)
	p.do(t, "POST", "/auth/reset-password", map[string]any{
		"token": secrets["reset"], "password": secrets["new password"],
	}).expect(t, 204)

	traced, err := json.Marshal(spans.GetSpans())
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range secrets {
		if strings.Contains(log.String(), secret) || bytes.Contains(traced, []byte(secret)) {
			t.Errorf("the %s is in the log or in a span", name)
		}
	}
	if strings.Contains(log.String(), email) {
		t.Error("the log names people by their address")
	}
	line := struct {
		Msg, Method, Route, Request, IP, Trace string
		Status, Bytes                          int
		Took                                   float64
	}{}
	first, _, _ := strings.Cut(log.String()[strings.Index(log.String(), `{"time"`):], "\n")
	for one := range strings.Lines(log.String()) {
		if strings.Contains(one, `"/auth/login"`) && strings.Contains(one, `"status":200`) {
			first = one
		}
	}
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatal(err)
	}
	if line.Msg != "request" || line.Method != http.MethodPost || line.Route != "/auth/login" ||
		line.Status != 200 || line.Bytes == 0 || line.Took <= 0 ||
		len(line.Request) != 36 || line.IP != "127.0.0.1" || len(line.Trace) != 32 {
		t.Errorf("a line of the log: %s", first)
	}
}

func TestSpans(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	s := newServer(t, func(_ *api.Config, d *api.Deps) { d.Tracer = provider.Tracer("test") })
	p := s.someone(t, store.RoleCandidate)
	id := p.attempt(t)
	spans.Reset()
	const trace = "0af7651916cd43dd8448eb211c80319c"
	p.do(t, "GET", "/api/attempts/"+id, nil, "traceparent",
		"00-"+trace+"-b7ad6b7169203331-01").expect(t, 200)
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "GET /api/attempts/{id}" ||
		got[0].SpanContext.TraceID().String() != trace ||
		got[0].Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Fatalf("spans %+v", got)
	}
	said := map[string]any{}
	for _, a := range got[0].Attributes {
		said[string(a.Key)] = a.Value.AsInterface()
	}
	if said["http.route"] != "/api/attempts/{id}" ||
		said["http.response.status_code"] != int64(200) || said["user.id"] != p.id ||
		said["http.request.method"] != "GET" {
		t.Errorf("attributes %v", said)
	}
}
