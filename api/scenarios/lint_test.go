package scenarios_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"bedside/api/apitest"
	"bedside/api/scenarios"
	"bedside/store"
)

func TestLintScenario(t *testing.T) {
	s := apitest.NewServer(t)
	tutor := s.NewUser(t, store.RoleTutor)
	text, err := os.ReadFile("../../store/scenario/testdata/complete.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lint := func(text string) (found scenarios.Findings) {
		tutor.Do(t, "POST", "/api/scenarios/lint", text, "Content-Type", "application/yaml").
			Expect(t, 200).Decode(t, &found)
		return found
	}
	if found := lint(string(text)); found.Items == nil || len(found.Items) != 0 {
		t.Errorf("a complete scenario: %+v", found)
	}
	found := lint(strings.Replace(string(text), "\ndifficulty: 2", "\ndifficulty: 4", 1))
	if len(found.Items) != 1 || found.Items[0].Line != 6 || found.Items[0].Path != "difficulty" {
		t.Errorf("%+v", found)
	}
	if found := lint("a: ["); len(found.Items) == 0 || found.Items[0].Rule != "yaml" {
		t.Errorf("no YAML: %+v", found)
	}
	tutor.Do(t, "POST", "/api/scenarios/lint", strings.Repeat("a", 513<<10), "Content-Type",
		"application/yaml").Expect(t, 413)
	tutor.Do(t, "POST", "/api/scenarios/lint", "{}", "Content-Type", "application/json").
		Expect(t, 415)
	s.NewUser(t, store.RoleCandidate).Do(t, "POST", "/api/scenarios/lint", "a", "Content-Type",
		"application/yaml").Problem(t, 403, "forbidden")
}

func TestSchemaIsPublic(t *testing.T) {
	s := apitest.NewServer(t)
	a := s.NewClient(t).Do(t, "GET", "/api/scenarios/schema", nil).Expect(t, 200)
	var schema struct {
		ID string `json:"$id"`
	}
	err := json.Unmarshal(a.Data, &schema)
	if err != nil || schema.ID != "urn:bedside:scenario/1" {
		t.Errorf("%s: %v", a.Data, err)
	}
	if got := a.Header.Get("Content-Type"); got != "application/schema+json" {
		t.Error(got)
	}
}
