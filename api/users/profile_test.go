package users_test

import (
	"testing"

	"bedside/api/apitest"
	"bedside/api/httpx"
	"bedside/store"
)

func TestProfile(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	full := map[string]any{
		"name": " Dana K. ", "profession": "nursing", "target_grade": "C+",
		"test_date": "2026-11-14", "time_zone": "Europe/Zagreb", "locale": "en-GB",
	}
	var me httpx.User
	p.Do(t, "PUT", "/api/users/profile", full).Expect(t, 200).Decode(t, &me)
	if me != p.Profile(t) || me.Name != "Dana K." || me.TargetGrade != "C+" ||
		me.TestDate != "2026-11-14" || me.TimeZone != "Europe/Zagreb" || me.Locale != "en-GB" ||
		me.Profession != "nursing" {
		t.Errorf("profile %+v", me)
	}
	p.Do(t, "PATCH", "/api/users/profile", map[string]any{
		"profession": "medicine", "test_date": "",
	}).Expect(t, 200).Decode(t, &me)
	if me.Profession != "medicine" || me.TestDate != "" || me.TimeZone != "Europe/Zagreb" {
		t.Errorf("profile %+v", me)
	}
	p.Do(t, "PUT", "/api/users/profile", map[string]any{
		"name": "Dana",
	}).Expect(t, 200).Decode(t, &me)
	if me.Profession != "" || me.TimeZone != "" || me.Locale != "" || me.TargetGrade != "" {
		t.Errorf("profile %+v", me)
	}
	for field, values := range map[string][]any{
		"name":         {"", " ", "a\nb", nil},
		"profession":   {"astrology"},
		"target_grade": {"F", "a"},
		"test_date":    {"14.11.2026", "2026-02-30", "0001-01-01"},
		"time_zone":    {"Mars/Base", "Local", "../etc/passwd"},
		"locale":       {"english!", "e"},
		"role":         {"admin"},
		"email":        {"x@example.org"},
		"disabled":     {true},
	} {
		for _, v := range values {
			if got := p.Do(t, "PATCH", "/api/users/profile", map[string]any{field: v}); v != nil {
				if pr := got.Problem(t, 422, "invalid"); len(pr.Errors) == 0 {
					t.Errorf("%s %v: no field is named", field, v)
				}
			}
		}
	}
	if acts := p.AuditTrail(t); len(acts) != 4 {
		t.Errorf("trail %v", acts)
	}
}
