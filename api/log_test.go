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
	"bedside/api/apitest"
	"bedside/store"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// TestLogContainsNoSecrets makes every request that contains a secret, correctly and with errors,
// and searches the log and the spans for the secrets.
func TestLogContainsNoSecrets(t *testing.T) {
	log, spans := &apitest.Buffer{}, tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		d.Tracer = provider.Tracer("test")
	})
	secrets := map[string]string{
		"password": "s3cret-tram-window", "wrong password": "wr0ng-tram-window",
		"new password": "n3w-tram-window",
	}
	email := apitest.NewEmail()
	p := s.NewClient(t)
	p.Email = email
	p.Do(t, "POST", "/auth/register", map[string]any{
		"email": email, "password": secrets["password"], "name": "Dana",
	}).Expect(t, 202)
	secrets["verification"] = s.Mail.Await(t, email,
		"Confirm your e-mail address").Token(t, "/verify-email")
	p.Do(t, "POST", "/auth/verify-email", map[string]any{
		"token": secrets["verification"],
	}).Expect(t, 200)
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": secrets["wrong password"],
	}).Expect(t, 401)
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": []string{secrets["wrong password"]},
	}).Expect(t, 422)
	var g struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	login := map[string]any{"email": email, "password": secrets["password"]}
	p.Do(t, "POST", "/auth/login", login).Expect(t, 200).Decode(t, &g)
	secrets["access token"], secrets["refresh token"] = g.AccessToken, g.RefreshToken
	p.Access = g.AccessToken
	p.Do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": g.RefreshToken,
	}).Expect(t, 200).Decode(t, &g)
	secrets["second access token"], secrets["second refresh token"] = g.AccessToken, g.RefreshToken
	login["refresh_in"] = "cookie"
	p.Do(t, "POST", "/auth/login", login).Expect(t, 200)
	at, err := url.Parse(s.URL + "/auth/refresh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.HTTP.Jar.Cookies(at) {
		secrets["cookie"] = c.Value
	}
	if secrets["cookie"] == "" {
		t.Fatal("no cookie")
	}
	p.Do(t, "POST", "/auth/refresh", nil).Expect(t, 200)
	p.Do(t, "GET", "/api/users/profile?token="+secrets["refresh token"], nil).Expect(t, 422)
	p.Do(t, "GET", "/"+secrets["refresh token"], nil).Expect(t, 404)
	p.Do(t, "GET", "/api/scenarios", nil, "Authorization",
		"Bearer "+secrets["access token"]+"x").Expect(t, 401)
	p.Do(t, "POST", "/auth/forgot-password", map[string]any{"email": email}).Expect(t, 202)
	secrets["reset"] = s.Mail.Await(t, email, "Choose a new password").Token(t, "/reset-password")
	p.Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": secrets["reset"] + "x", "password": secrets["new password"],
	}).Expect(t, 422)
	p.Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": secrets["reset"], "password": secrets["new password"],
	}).Expect(t, 204)

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
		t.Error("the log contains an email address")
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
		t.Errorf("log line: %s", first)
	}
}

func TestSpanContinuesTraceOfClient(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Tracer = provider.Tracer("test")
	})
	p := s.NewUser(t, store.RoleCandidate)
	id := p.NewAttempt(t)
	spans.Reset()
	const trace = "0af7651916cd43dd8448eb211c80319c"
	p.Do(t, "GET", "/api/attempts/"+id, nil, "traceparent",
		"00-"+trace+"-b7ad6b7169203331-01").Expect(t, 200)
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "GET /api/attempts/{id}" ||
		got[0].SpanContext.TraceID().String() != trace ||
		got[0].Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Fatalf("spans %+v", got)
	}
	attributes := map[string]any{}
	for _, a := range got[0].Attributes {
		attributes[string(a.Key)] = a.Value.AsInterface()
	}
	if attributes["http.route"] != "/api/attempts/{id}" ||
		attributes["http.response.status_code"] != int64(200) || attributes["user.id"] != p.ID ||
		attributes["http.request.method"] != "GET" {
		t.Errorf("attributes %v", attributes)
	}
}
