package scenarios_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bedside/api/apitest"
	"bedside/api/scenarios"
	"bedside/api/scenarios/view"
	"bedside/store"
)

func TestOnlyTutorsReadTheInterlocutorCard(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	var list struct{ Items []view.ScenarioSummary }
	candidate.Do(t, "GET", "/api/scenarios", nil).Expect(t, 200).Decode(t, &list)
	if len(list.Items) < 3 {
		t.Fatalf("%d scenarios", len(list.Items))
	}
	var one view.Scenario
	a := candidate.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil).Expect(t, 200)
	a.Decode(t, &one)
	if one.Patient != nil || len(one.Candidate.Tasks) < 3 ||
		bytes.Contains(a.Data, []byte("brother")) {
		t.Errorf("a candidate got %s", a.Data)
	}
	tutor.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil).Expect(t, 200).Decode(t, &one)
	if one.Patient == nil || len(one.Patient.Lines) == 0 {
		t.Error("a tutor got no interlocutor card")
	}
	candidate.Do(t, "GET", "/api/scenarios/nothing", nil).Problem(t, 404, "not-found")
}

// TestCatalogueIsPublic also checks that guests may keep answers only as long as they are true.
func TestCatalogueIsPublic(t *testing.T) {
	s := apitest.NewServer(t)
	guest := s.NewClient(t)
	for _, path := range []string{"/api/scenarios", "/api/scenarios/" + apitest.ScenarioSlug} {
		a := guest.Do(t, "GET", path, nil).Expect(t, 200)
		tag := a.Header.Get("ETag")
		if a.Header.Get("Cache-Control") != "public, no-cache" || tag == "" ||
			!strings.Contains(strings.Join(a.Header.Values("Vary"), ","), "Authorization") ||
			bytes.Contains(a.Data, []byte(`"tried"`)) {
			t.Errorf("%s: %v\n%s", path, a.Header, a.Data)
		}
		again := guest.Do(t, "GET", path, nil, "If-None-Match", tag).Expect(t, 304)
		if len(again.Data) != 0 || again.Header.Get("ETag") != tag {
			t.Errorf("%s: 304 with %v and %s", path, again.Header, again.Data)
		}
		s.Exec(t, `UPDATE scenarios SET updated_at = now() WHERE slug = $1`, apitest.ScenarioSlug)
		guest.Do(t, "GET", path, nil, "If-None-Match", tag).Expect(t, 200)
		mine := s.NewUser(t, store.RoleCandidate).Do(t, "GET", path, nil).Expect(t, 200)
		if mine.Header.Get("Cache-Control") != "no-store" ||
			!bytes.Contains(mine.Data, []byte(`"tried":0`)) {
			t.Errorf("%s: %v\n%s", path, mine.Header, mine.Data)
		}
	}
	guest.Do(t, "GET", "/api/scenarios?tried=true", nil).Problem(t, 401, "unauthenticated")
	guest.Access = "nonsense"
	guest.Do(t, "GET", "/api/scenarios", nil).Problem(t, 401, "unauthenticated")
}

// TestNodesAnswerAlike has two nodes, of which one writes and the other answers at once.
func TestNodesAnswerAlike(t *testing.T) {
	one, two := apitest.NewServer(t), apitest.NewServer(t)
	tutor := one.NewUser(t, store.RoleTutor)
	guest := two.NewClient(t)
	d, doc := newDraft(t, tutor)
	path := "/api/scenarios/" + d.ID
	tutor.Do(t, "POST", path+"/publish", nil).Expect(t, 200)
	list := "/api/scenarios?sort=newest&profession=" + d.Profession
	for i := range 5 {
		title := "Title " + strconv.Itoa(i)
		doc["title"] = title
		guest.Do(t, "GET", path, nil).Expect(t, 200)
		guest.Do(t, "GET", list, nil).Expect(t, 200)
		tutor.Do(t, "PUT", path, doc, "If-Match", "*").Expect(t, 200)
		tutor.Do(t, "POST", path+"/publish", nil).Expect(t, 200)
		for _, where := range []string{path, list} {
			if a := guest.Do(t, "GET", where, nil).Expect(t, 200); !bytes.Contains(a.Data,
				[]byte(`"`+title+`"`)) {
				t.Errorf("the other node answers %s with an older version: %s", where, a.Data)
			}
		}
	}
}

func TestFiltersAndPages(t *testing.T) {
	s := apitest.NewServer(t)
	tutor, guest := s.NewUser(t, store.RoleTutor), s.NewClient(t)
	var ids []string
	for range 5 {
		d, doc := newDraft(t, tutor)
		doc["title"] = "Café zebrafish consultations"
		doc["tags"] = []string{"zebrafish"}
		tutor.Do(t, "PUT", "/api/scenarios/"+d.ID, doc, "If-Match", "*").Expect(t, 200)
		tutor.Do(t, "POST", "/api/scenarios/"+d.ID+"/publish", nil).Expect(t, 200)
		ids = append(ids, d.ID)
	}
	slices.Sort(ids)
	for _, query := range []string{
		"tag=zebrafish&sort=title", "tag=zebrafish&sort=newest", "tag=zebrafish&sort=profession",
		"tag=zebrafish&sort=difficulty", "q=cafe+zebraf", "q=consultation+ZEBRAFISH",
		"q=cafe%CC%81", "q=zebrafish+%CC%81", "q=%CC%81+zebrafish", "q=zebrafish+%E2%83%9D",
	} {
		var got []string
		for before := ""; ; {
			var page scenarios.ScenarioList
			guest.Do(t, "GET", "/api/scenarios?limit=2&"+query+"&before="+before, nil).
				Expect(t, 200).Decode(t, &page)
			for _, item := range page.Items {
				got = append(got, item.ID)
			}
			if page.Total != 5 || len(page.Facets.Professions) != 1 {
				t.Errorf("%s: total %d, %+v", query, page.Total, page.Facets.Professions)
			}
			if before = page.Next; before == "" {
				break
			}
		}
		if slices.Sort(got); !slices.Equal(got, ids) {
			t.Errorf("%s: %v, want %v", query, got, ids)
		}
	}
	for _, bad := range []string{
		"profession=astrology", "difficulty=9", "sort=relevance", "before=x", "tag=A",
	} {
		guest.Do(t, "GET", "/api/scenarios?"+bad, nil).Problem(t, 422, "invalid")
	}
	for _, q := range []string{"%CC%81", "%CC%81+%CC%81", "%CD%BA", "%EF%B9%B0", "%00", "'"} {
		guest.Do(t, "GET", "/api/scenarios?q="+q, nil).Expect(t, 200)
	}
	id := ids[0]
	for _, forged := range [][]string{
		{"profession", "nursing", "x", "a", id}, {"profession", "nursing", "3000000000", "a", id},
		{"profession", "nursing", "1", "\x00", id}, {"title", "\x00", id}, {"title", "a", "x"},
		{"difficulty", "", "a", id}, {"newest", "now then", id},
		{"newest", "0000-01-01 00:00:00+00", id}, {"newest", "2026-13-01 00:00:00+00", id},
		{"relevance", "x", id}, {"relevance", "1.2.3", id}, {"relevance", "", id},
	} {
		cursor, err := json.Marshal(forged)
		if err != nil {
			t.Fatal(err)
		}
		guest.Do(t, "GET", "/api/scenarios?q=a&sort="+forged[0]+"&before="+
			base64.RawURLEncoding.EncodeToString(cursor), nil).Problem(t, 422, "invalid")
	}
	var page scenarios.ScenarioList
	guest.Do(t, "GET", "/api/scenarios?profession=nursing,medicine&profession=dentistry&limit=100",
		nil).Expect(t, 200).Decode(t, &page)
	for _, item := range page.Items {
		if !slices.Contains([]string{"nursing", "medicine", "dentistry"}, item.Profession) {
			t.Errorf("%s is of %s", item.Slug, item.Profession)
		}
	}
	if len(page.Facets.Professions) < 4 {
		t.Errorf("the facet leaves out what could be chosen besides: %v", page.Facets.Professions)
	}
	// What the patient hides cannot be searched for.
	guest.Do(t, "GET", "/api/scenarios?q=brother", nil).Expect(t, 200).Decode(t, &page)
	for _, item := range page.Items {
		if item.Slug == apitest.ScenarioSlug {
			t.Error("a search finds the interlocutor's card")
		}
	}
}
