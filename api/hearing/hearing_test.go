package hearing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/hearing"
	"bedside/store"
)

// meter stands for the recogniser.
type meter struct {
	heard []hearing.Reading
	err   error
}

func (m *meter) measure(_ context.Context, readings []hearing.Reading) (store.Hearing, error) {
	m.heard = readings
	return store.Hearing{Model: "adapted", Mean: []float64{41, -5.25}, Gain: 1.5}, m.err
}

func newServer(t *testing.T) (*apitest.Server, *meter) {
	m := &meter{}
	return apitest.NewServer(t, func(_ *api.Config, d *api.Deps) { d.Hearing = m.measure }), m
}

func request(microphone string, sentences ...string) map[string]any {
	var readings []map[string]any
	for _, s := range sentences {
		audio := []byte("audio of " + s)
		readings = append(readings, map[string]any{"sentence": s, "audio": audio})
	}
	return map[string]any{"microphone": microphone, "readings": readings}
}

func read(t *testing.T, c *apitest.Client) (o hearing.HearingOverview) {
	t.Helper()
	c.Do(t, "GET", "/api/hearing", nil).Expect(t, 200).Decode(t, &o)
	return o
}

func microphones(o hearing.HearingOverview) (list []string) {
	for _, h := range o.Known {
		list = append(list, h.Microphone)
	}
	return list
}

func TestModelIsKeptForEachMicrophone(t *testing.T) {
	s, m := newServer(t)
	c, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	o := read(t, c)
	if !o.Available || len(o.Known) != 0 || len(o.Sentences) != 3 {
		t.Fatalf("at first: %+v", o)
	}
	var h hearing.Hearing
	c.Do(t, "POST", "/api/hearing", request("desk", o.Sentences[0].ID, o.Sentences[2].ID)).
		Expect(t, 200).Decode(t, &h)
	if h.Microphone != "desk" || h.Model != "adapted" || h.MeasuredAt.IsZero() {
		t.Errorf("measured: %+v", h)
	}
	if len(m.heard) != 2 || m.heard[1].Text != o.Sentences[2].Text ||
		string(m.heard[1].Audio) != "audio of "+o.Sentences[2].ID {
		t.Errorf("the recogniser heard %+v", m.heard)
	}
	s.Forward(time.Minute)
	c.Do(t, "POST", "/api/hearing", request("phone", "morning", "pain")).Expect(t, 200)
	if got := microphones(read(t, c)); !slices.Equal(got, []string{"phone", "desk"}) {
		t.Errorf("microphones: %v", got)
	}
	s.Exec(t, `UPDATE hearings SET used_at = used_at - interval '1 day' WHERE user_id = $1`, c.ID)
	c.Do(t, "POST", "/api/hearing/desk/use", nil).Expect(t, 204)
	last, err := s.DB.HearingOf(t.Context(), c.ID)
	if err != nil || last.Microphone != "desk" || !slices.Equal(last.Mean, []float64{41, -5.25}) ||
		last.Model != "adapted" || last.Gain != 1.5 {
		t.Errorf("used last: %+v, %v", last, err)
	}
	if got := microphones(read(t, other)); len(got) != 0 {
		t.Errorf("somebody else has the microphones %v", got)
	}
	other.Do(t, "POST", "/api/hearing/desk/use", nil).Expect(t, 404)
	if _, err := s.DB.HearingOf(t.Context(), other.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("somebody else: %v", err)
	}
	c.Do(t, "DELETE", "/api/hearing", nil).Expect(t, 204)
	if got := read(t, c); len(got.Known) != 0 {
		t.Errorf("after forgetting: %+v", got)
	}
}

func TestReadingsAreChecked(t *testing.T) {
	s, m := newServer(t)
	c := s.NewUser(t, store.RoleCandidate)
	for name, body := range map[string]map[string]any{
		"one sentence":        request("desk", "morning"),
		"no such sentence":    request("desk", "morning", "evening"),
		"the same twice":      request("desk", "morning", "morning"),
		"four sentences":      request("desk", "morning", "pain", "tablets", "pain"),
		"no name":             request("", "morning", "pain"),
		"a strange name":      request("../desk", "morning", "pain"),
		"a name that is long": request(strings.Repeat("x", 65), "morning", "pain"),
		"no audio": {"microphone": "desk", "readings": []map[string]any{
			{"sentence": "morning", "audio": ""}, {"sentence": "pain", "audio": ""},
		}},
	} {
		if r := c.Do(t, "POST", "/api/hearing", body); r.StatusCode != 422 {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.Data)
		}
	}
	large := request("desk", "morning", "pain")
	large["readings"].([]map[string]any)[1]["audio"] = make([]byte, 1<<20+1)
	c.Do(t, "POST", "/api/hearing", large).Expect(t, 422)
	large["readings"].([]map[string]any)[1]["audio"] = make([]byte, 5<<20)
	c.Do(t, "POST", "/api/hearing", large).Expect(t, 413)
	if m.heard != nil {
		t.Error("one of them was measured")
	}
	m.err = &hearing.ReadingError{Index: 1, Message: "The sentence was not heard."}
	r := c.Do(t, "POST", "/api/hearing", request("desk", "morning", "pain")).Expect(t, 422)
	if !strings.Contains(string(r.Data), "reading-not-usable") ||
		!strings.Contains(string(r.Data), "body.readings[1]") {
		t.Errorf("a sentence that was not read: %s", r.Data)
	}
	m.err = fmt.Errorf("%w: busy", store.ErrUnavailable)
	c.Do(t, "POST", "/api/hearing", request("desk", "morning", "pain")).Expect(t, 503)
	if got := read(t, c); len(got.Known) != 0 {
		t.Errorf("something was kept: %+v", got)
	}
}

func TestOnlyTenMicrophonesAreKept(t *testing.T) {
	s, _ := newServer(t)
	c := s.NewUser(t, store.RoleCandidate)
	for i := range store.MaxHearings + 2 {
		h := store.Hearing{
			Microphone: fmt.Sprint("m", i), Model: "average", Mean: []float64{1},
			UsedAt: s.Now().Add(time.Duration(i) * time.Second),
		}
		if err := s.DB.SaveHearing(t.Context(), c.ID, h); err != nil {
			t.Fatal(err)
		}
	}
	if got := microphones(read(t, c)); len(got) != store.MaxHearings || got[0] != "m11" ||
		got[9] != "m2" {
		t.Errorf("kept: %v", got)
	}
}

func TestServerWithoutRecogniser(t *testing.T) {
	s := apitest.NewServer(t)
	c := s.NewUser(t, store.RoleCandidate)
	if read(t, c).Available {
		t.Error("it is said to be available")
	}
	c.Do(t, "POST", "/api/hearing", request("desk", "morning", "pain")).Expect(t, 503)
}
