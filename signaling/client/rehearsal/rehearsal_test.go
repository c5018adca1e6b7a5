package rehearsal

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestDemoAccountGivesWayToFlags(t *testing.T) {
	if a := Demo("tutor", "", "", "secret"); a != (Account{"tutor@demo.bedside", "secret"}) {
		t.Errorf("got %+v", a)
	}
	want := Account{"a@example.org", "mine"}
	if a := Demo("tutor", "a@example.org", "mine", "secret"); a != want {
		t.Errorf("got %+v", a)
	}
}

func TestAddressIsReadFromOutput(t *testing.T) {
	url, err := readAddress(t.Context(), strings.NewReader(
		"hello\nBedside v1 is listening on http://localhost:8080 (role all)\nmore\n"))
	if err != nil || url != "http://localhost:8080" {
		t.Errorf("got %q, %v", url, err)
	}
	if _, err := readAddress(t.Context(), strings.NewReader("it failed\n")); err == nil {
		t.Error("an address was read from output that has none")
	}
}

func TestCheckReportsBadFilesBeforeThePlay(t *testing.T) {
	bad := errors.New("not audio")
	open := func(path string) (Audio, error) {
		if path == "good.wav" {
			return silence{}, nil
		}
		return nil, bad
	}
	if err := (RolePlay{CandidateAudio: "good.wav", OpenAudio: open}).Check(); err != nil {
		t.Error(err)
	}
	r := RolePlay{CandidateAudio: "good.wav", PartnerAudio: "bad.wav", OpenAudio: open}
	if err := r.Check(); !errors.Is(err, bad) {
		t.Errorf("got %v, want %v", err, bad)
	}
}

func TestAbsenceNeedsAPatientWhoLeaves(t *testing.T) {
	for _, c := range []struct {
		away    Absence
		partner bool
		want    error
	}{
		{Absence{}, false, nil},
		{Absence{After: time.Second}, true, nil},
		{Absence{After: time.Second, For: time.Second}, true, nil},
		{Absence{After: time.Second}, false, ErrUsage},
		{Absence{For: time.Second}, true, ErrUsage},
		{Absence{After: -time.Second}, true, ErrUsage},
	} {
		if err := c.away.check(c.partner); !errors.Is(err, c.want) {
			t.Errorf("%+v, partner %v: %v, want %v", c.away, c.partner, err, c.want)
		}
	}
}

type silence struct{}

func (silence) Next() (packet []byte, samples48k int, level uint8, err error) {
	return nil, 0, 0, io.EOF
}
func (silence) Close() error { return nil }
