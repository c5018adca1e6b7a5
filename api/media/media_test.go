package media_test

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/media"
	"bedside/store"
)

func uploaded(t *testing.T, c *apitest.Client, file []byte, kind store.MediaKind) media.Media {
	t.Helper()
	var m media.Media
	c.Upload(t, "photo.jpg", file, "kind", string(kind), "alt", " A kitchen ").
		Expect(t, 201).Decode(t, &m)
	return m
}

func TestUploadedPictureHasThreeSizes(t *testing.T) {
	s := apitest.NewServer(t)
	tutor := s.NewUser(t, store.RoleTutor)
	m := uploaded(t, tutor, apitest.Photo(t, 2000, 1000, 1), store.MediaScenario)
	if m.Kind != store.MediaScenario || m.Alt != "A kitchen" || m.Type != "image/jpeg" ||
		m.Width != 1600 || m.Height != 800 || m.Public || len(m.Sizes) != 3 {
		t.Errorf("%+v", m)
	}
	guest := s.NewClient(t)
	for i, want := range [][2]int{{160, 80}, {640, 320}, {1600, 800}} {
		size := m.Sizes[i]
		res := guest.Do(t, "GET", size.URL, nil).Expect(t, 200)
		c, err := jpeg.DecodeConfig(bytes.NewReader(res.Data))
		if err != nil || c.Width != want[0] || c.Height != want[1] ||
			int64(len(res.Data)) != size.Bytes {
			t.Errorf("%s: %d x %d, %d bytes, %v", size.Size, c.Width, c.Height, len(res.Data),
				err)
		}
	}
	plain := guest.Do(t, "GET", m.URL, nil).Expect(t, 200)
	if c, err := jpeg.DecodeConfig(bytes.NewReader(plain.Data)); err != nil || c.Width != 640 {
		t.Errorf("without a size: %d, %v", c.Width, err)
	}
	small := uploaded(t, tutor, apitest.Photo(t, 100, 50, 1), store.MediaScenario)
	for _, size := range small.Sizes {
		if size.Width != 100 || size.Height != 50 {
			t.Errorf("a small picture is enlarged to %+v", size)
		}
	}
}

func TestPortraitReplacesTheEarlierOne(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleCandidate)
	first := uploaded(t, c, apitest.Photo(t, 900, 600, 1), store.MediaAvatar)
	if first.Width != 512 || first.Height != 512 {
		t.Errorf("%d x %d", first.Width, first.Height)
	}
	u := c.Profile(t)
	if u.Avatar != first.ID {
		t.Errorf("the profile has the portrait %q", u.Avatar)
	}
	s.NewClient(t).Do(t, "GET", u.AvatarURL, nil).Expect(t, 200)
	second := uploaded(t, c, apitest.Photo(t, 900, 600, 2), store.MediaAvatar)
	if u := c.Profile(t); u.Avatar != second.ID {
		t.Errorf("the profile has the portrait %q", u.Avatar)
	}
	c.Do(t, "GET", "/api/media/"+first.ID, nil).Problem(t, 404, "not-found")
	c.Do(t, "DELETE", "/api/media/"+second.ID, nil).Expect(t, 204)
	if u := c.Profile(t); u.Avatar != "" || u.AvatarURL != "" {
		t.Errorf("the profile has the portrait %q after its deletion", u.Avatar)
	}
}

func TestPrivateMediaNeedTokenOrSignature(t *testing.T) {
	s := apitest.NewServer(t)
	owner, stranger := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	tutor, guest := s.NewUser(t, store.RoleTutor), s.NewClient(t)
	avatar := uploaded(t, owner, apitest.Photo(t, 64, 64, 1), store.MediaAvatar)
	draft := uploaded(t, tutor, apitest.Photo(t, 64, 64, 2), store.MediaScenario)
	for _, c := range []struct {
		who  *apitest.Client
		id   string
		want int
	}{
		{owner, avatar.ID, 200}, {stranger, avatar.ID, 404}, {tutor, avatar.ID, 404},
		{guest, avatar.ID, 404}, {owner, draft.ID, 404}, {tutor, draft.ID, 200},
		{guest, draft.ID, 404}, {tutor, "0190d2a0-0000-7000-8000-00000000ffff", 404},
	} {
		res := c.who.Do(t, "GET", "/api/media/"+c.id, nil).Expect(t, c.want)
		if cache := res.Header.Get("Cache-Control"); strings.Contains(cache, "public") {
			t.Errorf("cached as %s", cache)
		}
		if c.who != guest {
			c.who.Do(t, "POST", "/api/media/"+c.id+"/url", nil).Expect(t, c.want)
		}
	}
	u, err := url.Parse(avatar.URL)
	if err != nil {
		t.Fatal(err)
	}
	res := guest.Do(t, "GET", avatar.URL, nil).Expect(t, 200)
	if !strings.HasPrefix(res.Header.Get("Cache-Control"), "private, max-age=") {
		t.Errorf("cached as %s", res.Header.Get("Cache-Control"))
	}
	query := u.Query()
	for name, change := range map[string]func(url.Values) string{
		"another medium": func(q url.Values) string {
			return "/api/media/" + draft.ID + "?" + q.Encode()
		},
		"a later end": func(q url.Values) string {
			q.Set("expires", "9999999999")
			return u.Path + "?" + q.Encode()
		},
		"another signature": func(q url.Values) string {
			q.Set("signature", strings.Repeat("A", 32))
			return u.Path + "?" + q.Encode()
		},
		"no signature": func(q url.Values) string {
			q.Del("signature")
			return u.Path + "?" + q.Encode()
		},
	} {
		q := url.Values{}
		for k, v := range query {
			q[k] = v
		}
		if res := guest.Do(t, "GET", change(q), nil); res.StatusCode != 404 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	s.Forward(21 * time.Minute)
	guest.Do(t, "GET", avatar.URL, nil).Expect(t, 404)
}

func TestFilesAreServedByRFC9110(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleTutor)
	m := uploaded(t, c, apitest.Photo(t, 300, 300, 3), store.MediaScenario)
	path := "/api/media/" + m.ID + "?size=large"
	whole := c.Do(t, "GET", path, nil).Expect(t, 200)
	etag, modified := whole.Header.Get("ETag"), whole.Header.Get("Last-Modified")
	if len(etag) != 34 || strings.HasPrefix(etag, "W/") || modified == "" {
		t.Fatalf("ETag %s, Last-Modified %s", etag, modified)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; sandbox",
		"Content-Disposition":     `inline; filename="picture.jpg"`, "Accept-Ranges": "bytes",
		"Content-Length": fmt.Sprint(len(whole.Data)),
	} {
		if got := whole.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	old := "Mon, 02 Jan 2006 15:04:05 GMT"
	n := len(whole.Data)
	for _, row := range []struct {
		method  string
		headers []string
		status  int
		body    []byte
	}{
		{"HEAD", nil, 200, nil},
		{"GET", []string{"If-None-Match", etag}, 304, nil},
		{"GET", []string{"If-None-Match", `"other", W/` + etag}, 304, nil},
		{"GET", []string{"If-None-Match", "*"}, 304, nil},
		{"GET", []string{"If-None-Match", `"other"`}, 200, whole.Data},
		{"HEAD", []string{"If-None-Match", etag}, 304, nil},
		{"GET", []string{"If-Modified-Since", modified}, 304, nil},
		{"GET", []string{"If-Modified-Since", old}, 200, whole.Data},
		{"GET", []string{"If-None-Match", `"other"`, "If-Modified-Since", modified}, 200,
			whole.Data},
		{"GET", []string{"If-Match", `"other"`}, 412, nil},
		{"GET", []string{"Range", "bytes=0-3"}, 206, whole.Data[:4]},
		{"GET", []string{"Range", "bytes=-5"}, 206, whole.Data[n-5:]},
		{"GET", []string{"Range", fmt.Sprintf("bytes=%d-", n-7)}, 206, whole.Data[n-7:]},
		{"HEAD", []string{"Range", "bytes=0-3"}, 200, nil},
		{"GET", []string{"Range", "bytes=0-3", "If-Range", etag}, 206, whole.Data[:4]},
		{"GET", []string{"Range", "bytes=0-3", "If-Range", "W/" + etag}, 200, whole.Data},
		{"GET", []string{"Range", "bytes=0-3", "If-Range", `"other"`}, 200, whole.Data},
		{"GET", []string{"Range", "bytes=0-3", "If-Range", modified}, 206, whole.Data[:4]},
		{"GET", []string{"Range", "bytes=0-3", "If-Range", old}, 200, whole.Data},
		{"GET", []string{"Range", fmt.Sprintf("bytes=%d-", n)}, 416, nil},
		{"GET", []string{"Range", "bytes=0-1,4-5"}, 200, whole.Data},
		{"GET", []string{"Range", "bytes=0-1,4-5", "If-None-Match", etag}, 304, nil},
		{"GET", []string{"Range", "lines=1-2"}, 200, whole.Data},
	} {
		res := c.Do(t, row.method, path, nil, row.headers...)
		if res.StatusCode != row.status ||
			row.status < 400 && !bytes.Equal(res.Data, row.body) {
			t.Errorf("%s %v: %d with %d bytes, want %d with %d", row.method, row.headers,
				res.StatusCode, len(res.Data), row.status, len(row.body))
		}
		if row.status == 416 &&
			res.Header.Get("Content-Range") != fmt.Sprintf("bytes */%d", n) {
			t.Errorf("%v: Content-Range %q", row.headers, res.Header.Get("Content-Range"))
		}
	}
}

func TestOnlyTutorsUploadForScenarios(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleCandidate)
	photo := apitest.Photo(t, 64, 64, 1)
	for _, kind := range []string{"scenario", "line"} {
		c.Upload(t, "x.jpg", photo, "kind", kind).Problem(t, 403, "forbidden")
	}
	unconfirmed := s.Register(t, apitest.NewEmail())
	unconfirmed.Upload(t, "x.jpg", photo, "kind", "avatar").Problem(t, 403, "address-unconfirmed")
}

func TestLibraryAndDeletion(t *testing.T) {
	s := apitest.NewServer(t)
	tutor, other := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleTutor)
	candidate := s.NewUser(t, store.RoleCandidate)
	var all []string
	for i := range 3 {
		m := uploaded(t, tutor, apitest.Photo(t, 64, 64, byte(40+i)), store.MediaScenario)
		all = append(all, m.ID)
	}
	avatar := uploaded(t, tutor, apitest.Photo(t, 64, 64, 9), store.MediaAvatar)
	var page media.MediaPage
	other.Do(t, "GET", "/api/media?kind=scenario&limit=2", nil).Expect(t, 200).Decode(t, &page)
	if len(page.Items) != 2 || page.Items[0].ID != all[2] || page.Items[0].Mine ||
		page.Next != all[1] || page.Items[0].DeletedAt == nil {
		t.Fatalf("%+v", page)
	}
	other.Do(t, "GET", "/api/media?limit=100&before="+page.Next, nil).Expect(t, 200).
		Decode(t, &page)
	if page.Items[0].ID != all[0] {
		t.Errorf("second page %+v", page)
	}
	for _, item := range page.Items {
		if item.Kind == store.MediaAvatar {
			t.Error("the library has a portrait")
		}
	}
	candidate.Do(t, "DELETE", "/api/media/"+all[0], nil).Problem(t, 404, "not-found")
	other.Do(t, "DELETE", "/api/media/"+avatar.ID, nil).Problem(t, 404, "not-found")
	other.Do(t, "DELETE", "/api/media/"+all[0], nil).Expect(t, 204)
	other.Do(t, "DELETE", "/api/media/"+all[0], nil).Problem(t, 404, "not-found")
	candidate.Do(t, "GET", "/api/media", nil).Expect(t, http.StatusForbidden)
}

func TestQuotaOfAnAccount(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) { c.Media.QuotaFiles = 2 })
	c := s.NewUser(t, store.RoleTutor)
	for i := range 2 {
		uploaded(t, c, apitest.Photo(t, 64, 64, byte(60+i)), store.MediaScenario)
	}
	c.Upload(t, "x.jpg", apitest.Photo(t, 64, 64, 63), "kind", "scenario").
		Problem(t, 409, "media-quota")
}
