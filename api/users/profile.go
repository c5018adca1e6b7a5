package users

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // for machines without a time zone database

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

type profileOutput struct{ Body httpx.User }

// profile reads the account from the store: the principal has a part of it only, which may be from
// the cache.
func (s *Service) profile(ctx context.Context, _ *struct{}) (*profileOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	u, err := s.Store.User(ctx, p.User.ID)
	return &profileOutput{Body: httpx.NewUser(u, s.Sessions)}, err
}

// Profile is what users say about themselves.
type Profile struct {
	Name        string `json:"name" minLength:"1" maxLength:"120" example:"Dana Kovač"`
	Profession  string `json:"profession,omitempty" maxLength:"40" doc:"one of the twelve professions, or empty" example:"nursing"`
	TargetGrade string `json:"target_grade,omitempty" enum:",A,B,C+,C" example:"B"`
	TestDate    string `json:"test_date,omitempty" maxLength:"10" doc:"year-month-day, or empty" example:"2026-11-14"`
	TimeZone    string `json:"time_zone,omitempty" maxLength:"64" doc:"of the IANA database, or empty" example:"Europe/Zagreb"`
	Locale      string `json:"locale,omitempty" maxLength:"35" doc:"BCP 47, or empty" example:"en-GB"`
}

// ProfileChange is a Profile whose fields can be left out.
type ProfileChange struct {
	Name        *string `json:"name,omitempty" minLength:"1" maxLength:"120" example:"Dana Kovač"`
	Profession  *string `json:"profession,omitempty" maxLength:"40" doc:"one of the twelve professions, or empty" example:"nursing"`
	TargetGrade *string `json:"target_grade,omitempty" enum:",A,B,C+,C" example:"B"`
	TestDate    *string `json:"test_date,omitempty" maxLength:"10" doc:"year-month-day, or empty" example:"2026-11-14"`
	TimeZone    *string `json:"time_zone,omitempty" maxLength:"64" doc:"of the IANA database, or empty" example:"Europe/Zagreb"`
	Locale      *string `json:"locale,omitempty" maxLength:"35" doc:"BCP 47, or empty" example:"en-GB"`
}

type replaceInput struct{ Body Profile }

func (s *Service) replaceProfile(ctx context.Context, in *replaceInput) (*profileOutput, error) {
	b := in.Body
	return s.editProfile(ctx, ProfileChange{
		Name: &b.Name, Profession: &b.Profession, TargetGrade: &b.TargetGrade,
		TestDate: &b.TestDate, TimeZone: &b.TimeZone, Locale: &b.Locale,
	})
}

type changeInput struct{ Body ProfileChange }

func (s *Service) changeProfile(ctx context.Context, in *changeInput) (*profileOutput, error) {
	return s.editProfile(ctx, in.Body)
}

func (s *Service) editProfile(ctx context.Context, c ProfileChange) (*profileOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.clean(); err != nil {
		return nil, err
	}
	u, _, err := s.Store.ChangeUser(ctx, p.User.ID, func(u *store.User) (store.Effects, error) {
		var changed []string
		for _, f := range []struct {
			name string
			from *string
			to   *string
		}{
			{"name", c.Name, &u.Name},
			{"profession", c.Profession, &u.Profession},
			{"target_grade", c.TargetGrade, &u.TargetGrade},
			{"test_date", c.TestDate, &u.TestDate},
			{"time_zone", c.TimeZone, &u.TimeZone},
			{"locale", c.Locale, &u.Locale},
		} {
			if f.from != nil && *f.from != *f.to {
				*f.to = *f.from
				changed = append(changed, f.name)
			}
		}
		if len(changed) == 0 {
			return store.Effects{}, nil
		}
		act := httpx.Act(ctx, store.ActChangeProfile)
		act.Detail = strings.Join(changed, ", ")
		return store.Effects{Acts: []store.Act{act}}, u.Validate()
	})
	if err != nil {
		return nil, err
	}
	s.Sessions.AfterChange(u.ID, nil, "")
	return &profileOutput{Body: httpx.NewUser(u, s.Sessions)}, nil
}

// clean checks each field that is given, so that the answer names the wrong one, and puts the name
// in the form that is stored.
func (c *ProfileChange) clean() error {
	if c.Name != nil {
		name, err := httpx.CleanName(*c.Name)
		if err != nil {
			return err
		}
		c.Name = &name
	}
	if c.Profession != nil {
		if err := httpx.CheckProfession(*c.Profession); err != nil {
			return err
		}
	}
	if d := c.TestDate; d != nil && *d != "" {
		day, err := time.Parse(time.DateOnly, *d)
		if err != nil || day.Year() < 2000 || day.Year() > 2100 {
			return httpx.Invalid("body.test_date",
				"The date of the test is written year-month-day, as 2026-11-14.")
		}
	}
	if z := c.TimeZone; z != nil && *z != "" {
		if _, err := time.LoadLocation(*z); err != nil || *z == "Local" {
			return httpx.Invalid("body.time_zone",
				fmt.Sprintf("%q is no time zone. Give one as Europe/Zagreb.", *z))
		}
	}
	if l := c.Locale; l != nil && *l != "" &&
		!regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`).MatchString(*l) {
		return httpx.Invalid("body.locale", "The locale is written as en or en-GB.")
	}
	return nil
}
