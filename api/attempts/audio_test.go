package attempts_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/httpx"
	"bedside/store"
)

// signedRecording returns the signed address of a candidate's recording.
func signedRecording(t *testing.T, c *apitest.Client, attempt string) string {
	t.Helper()
	var signed httpx.SignedURL
	c.Do(t, "POST", "/api/attempts/"+attempt+"/audio/candidate/url", nil).Expect(t, 200).
		Decode(t, &signed)
	left := signed.ExpiresAt.Sub(c.Server.Now())
	if left < 15*time.Minute || left > 20*time.Minute {
		t.Errorf("the address works for %s", left)
	}
	return signed.URL
}

func TestRecordingHasSignedAddress(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, guest := s.NewUser(t, store.RoleCandidate), s.NewClient(t)
	id := s.NewReport(t, candidate, s.NewUser(t, store.RoleTutor))
	address := signedRecording(t, candidate, id)

	whole := guest.Do(t, "GET", address, nil).Expect(t, 200)
	h := whole.Header
	if string(whole.Data) != "OggS0123456789" || h.Get("Content-Type") != "audio/ogg" ||
		h.Get("Cache-Control") != "private, no-store" || h.Get("Accept-Ranges") != "bytes" {
		t.Errorf("got %q with %v", whole.Data, h)
	}
	part := guest.Do(t, "GET", address, nil, "Range", "bytes=4-6").Expect(t, 206)
	if string(part.Data) != "012" {
		t.Errorf("range %q", part.Data)
	}
	guest.Do(t, "GET", address, nil, "Range", "bytes=99-").Expect(t, 416)
	guest.Do(t, "HEAD", address, nil).Expect(t, 200)

	s.Forward(21 * time.Minute)
	guest.Do(t, "GET", address, nil).Problem(t, 403, "address-expired")
	candidate.SignIn(t)
	renewed := signedRecording(t, candidate, id)
	guest.Do(t, "GET", renewed, nil).Expect(t, 200)

	candidate.Do(t, "DELETE", "/api/attempts/"+id, nil).Expect(t, 204)
	guest.Do(t, "GET", renewed, nil).Problem(t, 404, "no-recording")
}

func TestSignedAddressReadsOneRecording(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, guest := s.NewUser(t, store.RoleCandidate), s.NewClient(t)
	tutor := s.NewUser(t, store.RoleTutor)
	id, other := s.NewReport(t, candidate, tutor), s.NewReport(t, candidate, tutor)
	address := signedRecording(t, candidate, id)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		q := u.Query()
		q.Set(name, value)
		return u.Path + "?" + q.Encode()
	}
	// The signature of a medium with the same id.
	medium, err := url.Parse(s.Sessions.MediaURL(id))
	if err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]string{
		"another attempt":   strings.Replace(address, id, other, 1),
		"another speaker":   strings.Replace(address, "/candidate?", "/patient?", 1),
		"a later end":       with("expires", "9999999999"),
		"another signature": with("signature", strings.Repeat("A", 32)),
		"one for a medium":  u.Path + "?" + medium.RawQuery,
	} {
		if a := guest.Do(t, "GET", changed, nil); a.StatusCode != 403 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	guest.Do(t, "GET", u.Path, nil).Problem(t, 422, "invalid")
	// Without the signature, a token does not help.
	candidate.Do(t, "GET", with("signature", "x"), nil).Expect(t, 403)
	candidate.Do(t, "POST", "/api/attempts/"+id+"/audio/patient/url", nil).
		Problem(t, 404, "no-recording")
}
