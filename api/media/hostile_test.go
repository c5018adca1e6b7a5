package media_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/media"
	"bedside/store"
	"bedside/store/scenario"
)

// body returns a form with a boundary of x.
func body(parts ...string) string {
	return "--x\r\nContent-Disposition: form-data; name=" +
		strings.Join(parts, "\r\n--x\r\nContent-Disposition: form-data; name=") + "\r\n--x--\r\n"
}

func part(name, value string) string { return `"` + name + "\"\r\n\r\n" + value }

func TestFormsThatAreRefused(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) { c.Media.MaxMB = 1 })
	c := s.NewUser(t, store.RoleTutor)
	photo := string(apitest.Photo(t, 64, 64, 1))
	file := "\"file\"; filename=\"../../../etc/passwd.jpg\"\r\nContent-Type: text/html\r\n\r\n"
	kind := part("kind", "scenario")
	var many []string
	for range 9 {
		many = append(many, part("alt", "x"))
	}
	for name, row := range map[string]struct {
		body   string
		status int
	}{
		"names and types are not looked at": {body(kind, file+photo), 201},
		"the kind may come last":            {body(file+photo, kind), 201},
		"no file":                           {body(kind), 422},
		"no kind":                           {body(file + photo), 422},
		"another kind":                      {body(part("kind", "x"), file+photo), 422},
		"NUL in a name": {
			body(kind, "\"file\"; filename=\"a\x00.jpg\"\r\n\r\n"+photo), 400,
		},
		"empty file":             {body(kind, file), 422},
		"two files":              {body(kind, file+photo, file+photo), 400},
		"another field":          {body(kind, file+photo, part("x", "y")), 400},
		"many parts":             {body(many...), 400},
		"NUL in the description": {body(kind, file+photo, part("alt", "a\x00b")), 422},
		"long description": {
			body(kind, file+photo, part("alt", strings.Repeat("a", 300))), 422,
		},
		"200 characters that are not ASCII": {
			body(kind, file+photo, part("alt", strings.Repeat("é", 200))), 201,
		},
		"201 characters that are not ASCII": {
			body(kind, file+photo, part("alt", strings.Repeat("é", 201))), 422,
		},
		"too large":  {body(kind, file+photo+strings.Repeat("x", 2<<20)), 413},
		"incomplete": {body(kind, file+photo)[:600], 400},
		"large headers": {
			body(kind, "\"file\"\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n"+photo), 413,
		},
		"large headers after the file": {
			body(kind, file+photo, "\"alt\"\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\ny"), 413,
		},
		"a zip named .jpg":      {body(kind, file+"PK\x03\x04 and so on and on"), 415},
		"a page":                {body(kind, file+"<html><script>"), 415},
		"a drawing":             {body(kind, file+"<svg xmlns='http://www.w3.org/2000/svg'/>"), 415},
		"a sound for a picture": {body(kind, file+"OggS and so on and on"), 415},
		"a picture for a line":  {body(part("kind", "line"), file+photo), 415},
		"a truncated picture":   {body(kind, file+photo[:len(photo)/2]), 422},
	} {
		res := c.Do(t, "POST", "/api/protected/media/upload", row.body, "Content-Type",
			"multipart/form-data; boundary=x")
		if res.StatusCode != row.status {
			t.Errorf("%s: %d, want %d: %s", name, res.StatusCode, row.status, res.Data)
		}
	}
	for _, kind := range []string{"application/json", "multipart/form-data", "text/plain",
		"multipart/form-data; boundary=" + strings.Repeat("x", 100)} {
		res := c.Do(t, "POST", "/api/protected/media/upload", body(part("kind", "x")),
			"Content-Type", kind)
		if res.StatusCode != 400 && res.StatusCode != 415 {
			t.Errorf("%s: %d", kind, res.StatusCode)
		}
	}
}

// TestNothingIsLeftOfUploads looks for temporary files after uploads that work and that fail.
func TestNothingIsLeftOfUploads(t *testing.T) {
	dir := t.TempDir()
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) { c.Media.TempDir = dir })
	c := s.NewUser(t, store.RoleTutor)
	for _, file := range [][]byte{apitest.Photo(t, 64, 64, 1), []byte("GIF87a"), []byte("x")} {
		c.Upload(t, "x.jpg", file, "kind", "scenario")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("left over: %v, %v", files, err)
	}
}

// TestSlowUploadEnds sends the beginning of a form and then nothing.
func TestSlowUploadEnds(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Media.Idle = 50 * time.Millisecond
	})
	c := s.NewUser(t, store.RoleTutor)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST /api/protected/media/upload HTTP/1.1\r\nHost: x\r\n"+
		"Authorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=x\r\n"+
		"Content-Length: 100000\r\n\r\n--x\r\nContent-Disposition: form-data; name=\"file\"\r\n"+
		"\r\nGIF87a", c.Access); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d", res.StatusCode)
	}
}

// TestManyUploadsAtOnce sends 200 uploads at the same time: each is processed or asked to come
// again, and no more than one is decoded at a time.
func TestManyUploadsAtOnce(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleTutor)
	photo := apitest.Photo(t, 600, 400, 1)
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			res := c.Upload(t, "x.jpg", photo, "kind", "scenario")
			mu.Lock()
			defer mu.Unlock()
			statuses[res.StatusCode]++
			if res.StatusCode == 429 && res.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
	all.Wait()
	t.Logf("statuses: %v", statuses)
	if statuses[201] == 0 || statuses[429] == 0 || statuses[201]+statuses[429] != 200 {
		t.Errorf("statuses: %v", statuses)
	}
	// All is well afterwards.
	c.Upload(t, "x.jpg", photo, "kind", "scenario").Expect(t, 201)
}

func TestUploadsHaveARateOfTheirOwn(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Rates.Uploads = api.Rate{PerAccount: 2}
	})
	c, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	photo := apitest.Photo(t, 64, 64, 1)
	for _, want := range []int{201, 201, 429} {
		c.Upload(t, "x.jpg", photo, "kind", "avatar").Expect(t, want)
	}
	other.Upload(t, "x.jpg", photo, "kind", "avatar").Expect(t, 201)
}

func TestLinesAreEncodedByTheirEncoder(t *testing.T) {
	read := 0
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.EncodeLine = func(_ context.Context, r io.ReadSeeker, w io.Writer) (media.Line, error) {
			for range 2 {
				if _, err := r.Seek(0, io.SeekStart); err != nil {
					return media.Line{}, err
				}
				b, err := io.ReadAll(r)
				if err != nil {
					return media.Line{}, err
				}
				read += len(b)
				if bytes.Contains(b, []byte("damaged")) {
					return media.Line{}, media.ErrSound{Words: "The sound is damaged."}
				}
			}
			_, err := w.Write([]byte("OggS encoded"))
			return media.Line{Duration: 1500 * time.Millisecond, Loudness: -23}, err
		}
	})
	c := s.NewUser(t, store.RoleTutor)
	var m media.Media
	c.Upload(t, "x.txt", []byte("OggS and so on"), "kind", "line", "alt", "Good morning.").
		Expect(t, 201).Decode(t, &m)
	if m.Duration != 1.5 || m.Loudness != -23 || m.Type != "audio/ogg" || len(m.Sizes) != 1 ||
		read != 28 {
		t.Errorf("%+v, %d bytes read", m, read)
	}
	for range 2 { // as a player does
		res := s.NewClient(t).Do(t, "GET", m.URL, nil, "Range", "bytes=0-").Expect(t, 206)
		if string(res.Data) != "OggS encoded" ||
			res.Header.Get("Content-Type") != "audio/ogg" {
			t.Errorf("%s: %q", res.Header.Get("Content-Type"), res.Data)
		}
	}
	p := c.Upload(t, "x.ogg", []byte("OggS damaged"), "kind", "line").
		Problem(t, 422, "unreadable-sound")
	if p.Detail != "The sound is damaged." {
		t.Errorf("%+v", p)
	}
}

// TestPicturesOfScenarios follows a picture from its upload to a published scenario.
func TestPicturesOfScenarios(t *testing.T) {
	s := apitest.NewServer(t)
	tutor, guest := s.NewUser(t, store.RoleTutor), s.NewClient(t)
	m := uploaded(t, tutor, apitest.Photo(t, 64, 64, 77), store.MediaScenario)
	portrait := uploaded(t, tutor, apitest.Photo(t, 64, 64, 78), store.MediaAvatar)
	s.Exec(t, `INSERT INTO scenario_versions
			(scenario_id, version, slug, title, profession, document, created_at)
		SELECT id, 900, slug, title, profession, jsonb_build_object('picture',
			jsonb_build_object('media', $2::text, 'alt', 'x'), 'dialogue',
			jsonb_build_array(jsonb_build_object('media', $3::text), '{"media": 7}'::jsonb)), now()
		FROM scenarios WHERE slug = $1`, apitest.ScenarioSlug, m.ID, portrait.ID)
	guest.Do(t, "GET", "/api/media/"+m.ID, nil).Expect(t, 404)
	tutor.Do(t, "DELETE", "/api/media/"+m.ID, nil).Problem(t, 409, "media-in-use")
	tutor.Do(t, "DELETE", "/api/media/"+portrait.ID, nil).Expect(t, 204)
	var page media.MediaPage
	tutor.Do(t, "GET", "/api/media", nil).Expect(t, 200).Decode(t, &page)
	if u := page.Items[0].Uses; page.Items[0].ID != m.ID || len(u) != 1 ||
		u[0].Slug != apitest.ScenarioSlug || u[0].Version != 900 ||
		page.Items[0].DeletedAt != nil {
		t.Errorf("%+v", page.Items[0])
	}
	s.Exec(t, `UPDATE scenarios SET published_version = 900 WHERE slug = $1`, apitest.ScenarioSlug)
	res := guest.Do(t, "GET", "/api/media/"+m.ID, nil).Expect(t, 200)
	if res.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Errorf("Cache-Control: %s", res.Header.Get("Cache-Control"))
	}
	if _, err := s.DB.SweepMedia(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	guest.Do(t, "GET", "/api/media/"+m.ID, nil).Expect(t, 200)
	s.Exec(t, `UPDATE scenarios SET published_version = 1 WHERE slug = $1`, apitest.ScenarioSlug)
	guest.Do(t, "GET", "/api/media/"+m.ID, nil).Expect(t, 404)
}

func TestBuiltInPicturesArePutOnce(t *testing.T) {
	s := apitest.NewServer(t)
	all := &media.BuiltIn{Store: s.DB, Files: s.Blobs}
	guest, id := s.NewClient(t), store.BuiltInPicture("some-slug")
	etags := map[string]bool{}
	for _, seed := range []byte{1, 1, 2} {
		photo := apitest.Photo(t, 700, 350, seed)
		if err := all.Put(t.Context(), "some-slug", "A lamp", photo); err != nil {
			t.Fatal(err)
		}
		res := guest.Do(t, "GET", "/api/media/"+id, nil).Expect(t, 200)
		if res.Header.Get("Cache-Control") != "public, max-age=86400" {
			t.Errorf("Cache-Control: %s", res.Header.Get("Cache-Control"))
		}
		etags[res.Header.Get("ETag")] = true
	}
	if len(etags) != 2 {
		t.Errorf("%d pictures were served, want 2", len(etags))
	}
	s.NewUser(t, store.RoleAdmin).Do(t, "DELETE", "/api/media/"+id, nil).
		Problem(t, 403, "forbidden")
}

// TestBuiltInPicturesAreThereAtOnce requests the pictures of all scenarios of a fresh server, on
// which no job has run.
func TestBuiltInPicturesAreThereAtOnce(t *testing.T) {
	guest := apitest.NewServer(t).NewClient(t)
	all, err := scenario.Shipped()
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	for _, c := range all {
		path := "/api/media/" + store.BuiltInPicture(c.Slug) + "?size=small"
		res := guest.Do(t, "GET", path, nil).Expect(t, 200)
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "image/") || len(res.Data) < 1000 {
			t.Errorf("%s: %d bytes of %s", c.Slug, len(res.Data), res.Header.Get("Content-Type"))
		}
		guest.Do(t, "GET", path, nil, "If-None-Match", res.Header.Get("ETag")).Expect(t, 304)
	}
}

// TestSweepRemovesFilesWithoutRecords sweeps a file that an upload left, one whose record is gone,
// and one that a medium has.
func TestSweepRemovesFilesWithoutRecords(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleCandidate)
	m := uploaded(t, c, apitest.Photo(t, 64, 64, 90), store.MediaAvatar)
	put := func(key string) {
		if _, err := s.Blobs.Put(t.Context(), key, strings.NewReader("x"), ""); err != nil {
			t.Fatal(err)
		}
	}
	exists := func(key string) bool {
		f, err := s.Blobs.Open(t.Context(), key)
		if err == nil {
			_ = f.Close()
		}
		return err == nil
	}
	if err := s.DB.ReserveMediaFiles(t.Context(), []string{"media/left.jpg"}); err != nil {
		t.Fatal(err)
	}
	put("media/left.jpg")
	put("media/unknown.jpg")
	put("attempts/x/candidate.ogg")
	ahead := time.Duration(0)
	sweeper := &media.Sweeper{
		Store: s.DB, Files: s.Blobs, Log: discard(),
		Clock: func() time.Time { return time.Now().Add(ahead) },
	}
	for i, want := range []bool{true, false} {
		ahead = time.Duration(i) * 25 * time.Hour
		if err := sweeper.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"media/left.jpg", "media/unknown.jpg"} {
			if exists(key) != want {
				t.Errorf("%s, %v later: exists is %v", key, ahead, !want)
			}
		}
	}
	if !exists("attempts/x/candidate.ogg") {
		t.Error("a recording was swept")
	}
	c.Do(t, "GET", "/api/media/"+m.ID, nil).Expect(t, 200)
}
