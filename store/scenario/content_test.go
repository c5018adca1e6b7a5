package scenario

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"

	"bedside/store"
)

// The role plays that ship are 30: two for each profession, five for nursing and for medicine, so
// that a mock exam of two is possible in each, and ten of each difficulty.
func TestShippedBalance(t *testing.T) {
	list, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	professions, levels, settings := map[string]int{}, map[int]int{}, map[string]int{}
	for _, s := range list {
		professions[s.Profession]++
		levels[s.Difficulty]++
		settings[s.Setting]++
	}
	for _, p := range store.Professions() {
		want := 2
		if p == "nursing" || p == "medicine" {
			want = 5
		}
		if professions[p] != want {
			t.Errorf("%d role plays for %s, want %d", professions[p], p, want)
		}
	}
	for level := 1; level <= 3; level++ {
		if levels[level] != 10 {
			t.Errorf("%d role plays of difficulty %d, want 10", levels[level], level)
		}
	}
	for _, s := range store.Settings() {
		if settings[s] == 0 {
			t.Errorf("no role play takes place in the setting %s", s)
		}
	}
}

// Each role play that ships is complete, and its model performance shows what it trains.
func TestShippedIsComplete(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	list, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{} // what opens or closes a model performance, by whom
	for _, s := range list {
		t.Run(s.Slug, func(t *testing.T) {
			text, err := fs.ReadFile(files, s.Slug+".yaml")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range Lint(text) {
				t.Error(f)
			}
			p := s.Patient
			if n := len(p.Conditional); n < 8 || n > 14 {
				t.Errorf("%d conditional lines, want 8 to 14", n)
			}
			if len(p.Hidden) < 2 || len(p.Cues) < 2 || len(s.Strong) < 4 {
				t.Errorf("%d hidden facts, %d cues, %d sentences on a strong candidate",
					len(p.Hidden), len(p.Cues), len(s.Strong))
			}
			if n := len(s.Model); n < 26 || n > 36 {
				t.Fatalf("the model performance has %d turns, want 26 to 36", n)
			}
			var shown []string
			for _, turn := range s.Model {
				shown = append(shown, turn.Shows...)
				if turn.Who == "patient" && len(turn.Shows) > 0 {
					t.Errorf("the patient shows %v", turn.Shows)
				}
			}
			for _, i := range s.Indicators {
				if !slices.Contains(shown, i) {
					t.Errorf("trains %s, which no turn of the model performance shows", i)
				}
			}
			for _, turn := range []store.ModelTurn{s.Model[0], s.Model[len(s.Model)-1]} {
				if other := said[turn.Say]; other != "" {
					t.Errorf("%q is said in %s too", turn.Say, other)
				}
				said[turn.Say] = s.Slug
			}
		})
	}
}

// Each role play that ships has a drawing of its own, small, and without text, scripts or anything
// from elsewhere.
func TestShippedDrawings(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	list, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := fs.Glob(files, "pictures/*.svg")
	if err != nil || len(drawn) != len(list) {
		t.Errorf("%d drawings for %d role plays, %v", len(drawn), len(list), err)
	}
	allowed := []string{"svg", "g", "rect", "circle", "ellipse", "path"}
	for _, s := range list {
		svg, err := fs.ReadFile(files, "pictures/"+s.Slug+".svg")
		if err != nil {
			t.Error(err)
			continue
		}
		if len(svg) > 8000 {
			t.Errorf("the drawing of %s has %d bytes, want at most 8000", s.Slug, len(svg))
		}
		if !bytes.Contains(svg, []byte(`viewBox="0 0 1200 800"`)) {
			t.Errorf("the drawing of %s is not 1200 by 800", s.Slug)
		}
		for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("the drawing of %s: %v", s.Slug, err)
				break
			}
			e, ok := token.(xml.StartElement)
			if ok && !slices.Contains(allowed, e.Name.Local) {
				t.Errorf("the drawing of %s has an element <%s>", s.Slug, e.Name.Local)
			}
		}
	}
}
