package mail

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bedside/store"
)

func outbox(t *testing.T) *Outbox {
	t.Helper()
	o, err := NewOutbox(t.TempDir(), "Bedside <bedside@example.org>", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOutboxIsForThisMachineOnly(t *testing.T) {
	o := outbox(t)
	for _, to := range []string{"first@example.org", "second@example.org"} {
		if err := o.Send(t.Context(), Message{
			To: to, Subject: "Grüße <b>", Text: "Look:\nhttps://bedside.example/x#token=abc\n",
			HTML: "<p>Look</p>",
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Send(t.Context(), Message{
		To: "not an address",
	}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	listener := "127.0.0.1:8080"
	get := func(path, remote, host string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		at, err := net.ResolveTCPAddr("tcp", listener)
		if err != nil {
			t.Fatal(err)
		}
		r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, at))
		r.RemoteAddr, r.Host = remote, host
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		o.Handler().ServeHTTP(w, r)
		return w
	}
	const here, name = "127.0.0.1:1234", "localhost:8080"
	var list struct{ Items []Kept }
	if err := json.Unmarshal(
		get(OutboxPath, here, name, "Accept", "application/json").Body.Bytes(),
		&list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 2 || list.Items[0].To != "second@example.org" ||
		list.Items[0].Subject != "Grüße <b>" || len(list.Items[0].Links) != 1 ||
		list.Items[0].Links[0] != "https://bedside.example/x#token=abc" {
		t.Fatalf("list %+v", list)
	}
	page := get(OutboxPath, here, "[::1]:8080")
	if body := page.Body.String(); page.Code != 200 ||
		!strings.Contains(body, "Grüße &lt;b&gt;") ||
		!strings.Contains(body, `href="https://bedside.example/x#token=abc"`) ||
		page.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("page %d: %s", page.Code, body)
	}
	if one := get(OutboxPath+"/"+list.Items[0].ID, here, name); one.Code != 200 ||
		one.Body.String() != "<p>Look</p>" ||
		!strings.Contains(one.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("one %d: %s", one.Code, one.Body)
	}
	for _, c := range [][3]string{
		{OutboxPath, "192.0.2.1:1", name}, {OutboxPath, here, "evil.example"},
		{OutboxPath + "/" + list.Items[0].ID, here, "evil.example:8080"},
		{OutboxPath + "/nothing", here, name},
		{OutboxPath + "/0190d2a0-0000-7000-8000-000000000001", here, name},
		{OutboxPath + "/..%2f..%2fkey", here, name},
	} {
		if w := get(c[0], c[1], c[2]); w.Code != http.StatusNotFound {
			t.Errorf("%v: %d", c, w.Code)
		}
	}
	for _, header := range []string{
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via",
		"X-Real-IP",
	} {
		if w := get(OutboxPath, here, name, header, "1"); w.Code != http.StatusNotFound {
			t.Errorf("through a proxy that adds %s: %d", header, w.Code)
		}
	}
	listener = "192.0.2.7:8080"
	if w := get(OutboxPath, here, name); w.Code != http.StatusNotFound {
		t.Errorf("at a public listener: %d", w.Code)
	}
}

// TestTemplatesEscapeTheirValues writes every message, and checks that no value becomes markup.
func TestTemplatesEscapeTheirValues(t *testing.T) {
	templates, err := parseTemplates()
	if err != nil {
		t.Fatal(err)
	}
	c := content{
		Name: "<i>Dana</i>", Site: "https://bedside.example",
		Link:  "https://bedside.example/verify-email#token=abc",
		Until: "2 May 2026, 10:00 UTC", When: "1 May 2026, 10:00 UTC",
		IP: "192.0.2.1", Device: "<b>Browser</b>", What: "new@example.org",
	}
	for _, template := range []store.MailTemplate{
		store.MailVerify, store.MailRegistered, store.MailReset, store.MailPasswordChanged,
		store.MailConfirmEmail, store.MailEmailChangeRequested, store.MailEmailChanged,
		store.MailFactorAdded, store.MailFactorRemoved, store.MailDeviceEnded,
		store.MailAccountDeleted, store.MailInvitation,
	} {
		m, err := templates.write(template, c)
		if err != nil {
			t.Fatal(err)
		}
		if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") ||
			!strings.HasPrefix(m.Text, "Hello <i>Dana</i>,\n\n") ||
			strings.Contains(m.Text, "](") ||
			strings.Contains(m.HTML, "<i>") || strings.Contains(m.HTML, "<b>") ||
			strings.Contains(m.HTML, "](") || strings.Contains(m.Text, "\n\n\n") {
			t.Errorf("%s: %s\n%s", template, m.Subject, m.Text)
		}
		bare, err := templates.write(template, content{Site: c.Site})
		if err != nil || !strings.HasPrefix(bare.Text, "Hello,\n\n") ||
			strings.Contains(bare.Text, "From:") {
			t.Errorf("%s: %v\n%s", template, err, bare.Text)
		}
	}
	if _, err := templates.write("nothing", c); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestSMTPAddressIsChecked(t *testing.T) {
	const from = "Bedside <bedside@example.org>"
	for _, good := range []string{
		"smtp://mail.example.org", "smtp://u:p@mail.example.org:25",
		"smtps://u:p@mail.example.org", "smtp://127.0.0.1:1025?starttls=never",
	} {
		if _, err := NewSMTP(good, from, time.Now); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "mail.example.org", "http://mail.example.org", "smtp://",
		"smtp://u:hush@mail.example.org/x", "smtps://m?starttls=never",
		"smtp://m?starttls=perhaps", "smtp://u:hush@m:x",
	} {
		if _, err := NewSMTP(bad, from, time.Now); err == nil ||
			strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := NewSMTP("smtp://m", "nobody", time.Now); err == nil {
		t.Error("a sender without an address was accepted")
	}
	if _, err := New(nil, nil, nil, nil, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}
