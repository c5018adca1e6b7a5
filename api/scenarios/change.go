package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
	"bedside/store/scenario"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) changeRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "create-scenario", Method: http.MethodPost, Path: "/api/scenarios",
		Summary: "Create a scenario",
		Description: "It is a draft, which candidates do not see until it is published. An " +
			"account may have " + strconv.Itoa(store.MaxDrafts) + " drafts.",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxDocument,
		Errors: []int{http.StatusConflict},
	}, s.create, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "update-scenario", Method: http.MethodPut, Path: "/api/scenarios/{id}",
		Summary: "Change a scenario",
		Description: "The document becomes the latest version; candidates get it when it is " +
			"published. If-Match is the ETag of the version that you have changed: when " +
			"somebody else has saved another one meanwhile, the status is 412. The slug of a " +
			"scenario that was published stays.",
		MaxBodyBytes: maxDocument,
		Errors: []int{
			http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed,
			http.StatusPreconditionRequired,
		},
	}, s.update, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "publish-scenario", Method: http.MethodPost,
		Path: "/api/scenarios/{id}/publish", Summary: "Publish a scenario",
		Description: "Candidates get the latest version from now on; attempts that exist keep " +
			"theirs. An archived scenario comes back. With If-Match, only that version is " +
			"published.",
		Errors: []int{
			http.StatusNotFound, http.StatusPreconditionFailed,
		},
	}, s.publish, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "archive-scenario", Method: http.MethodPost,
		Path: "/api/scenarios/{id}/archive", Summary: "Archive a scenario",
		Description: "It leaves the catalogue and cannot be played any more. Attempts that exist " +
			"go on, and reports stay. A draft cannot be archived.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.archive, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "duplicate-scenario", Method: http.MethodPost,
		Path: "/api/scenarios/{id}/duplicate", Summary: "Duplicate a scenario",
		Description:   "The latest version, as a draft with a slug of its own.",
		DefaultStatus: http.StatusCreated,
		Errors:        []int{http.StatusNotFound, http.StatusConflict},
	}, s.duplicate, store.RoleTutor, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "delete-scenario", Method: http.MethodDelete, Path: "/api/scenarios/{id}",
		Summary:       "Delete a draft",
		Description:   "Only a scenario that was never published; others can be archived.",
		DefaultStatus: http.StatusNoContent,
		Errors:        []int{http.StatusNotFound, http.StatusConflict},
	}, s.delete, store.RoleTutor, store.RoleAdmin)
}

type createInput struct {
	Note string `query:"note" maxLength:"200" doc:"what it is, for the list of versions"`
	Body Document
}

type savedOutput struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     ScenarioDetail
}

func (s *Service) create(ctx context.Context, in *createInput) (*savedOutput, error) {
	text, err := parse(in.Body)
	if err != nil {
		return nil, err
	}
	return s.createDraft(ctx, text, in.Note)
}

func (s *Service) createDraft(ctx context.Context, text store.Scenario,
	note string) (*savedOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.Store.CreateScenario(ctx, text, p.User.ID, note,
		func(e store.ScenarioEntry) store.Act { return actOf(ctx, store.ActCreateScenario, e) })
	if err != nil {
		return nil, unsaved(err)
	}
	out, err := s.saved(e, text)
	if err == nil {
		out.Location = "/api/scenarios/" + e.ID
	}
	return out, err
}

// actOf returns the entry of the audit trail about a change of a scenario.
func actOf(ctx context.Context, action store.Action, e store.ScenarioEntry) store.Act {
	act := httpx.Act(ctx, action)
	act.Object = "scenario " + e.ID
	act.Detail = fmt.Sprintf("%s, version %d", e.Slug, e.Version)
	return act
}

// saved returns what a change answers with: the scenario as tutors see it.
func (s *Service) saved(e store.ScenarioEntry, text store.Scenario) (*savedOutput, error) {
	text.ID, text.Version = e.ID, e.Version
	body, err := detailOf(e, text)
	return &savedOutput{ETag: etag(e.Version), Body: body}, err
}

// unsaved adds a detail to the errors of a change.
func unsaved(err error) error {
	switch {
	case errors.Is(err, store.ErrStale):
		return &httpx.Fault{
			Err: err,
			Detail: "Somebody has saved another version of this scenario meanwhile. Load it " +
				"again, and make your change there.",
		}
	case errors.Is(err, store.ErrConflict):
		f := httpx.Invalid("body.slug", "Another scenario has this slug. Choose another one.")
		f.Err, f.Code = store.ErrConflict, "slug-taken"
		return f
	case errors.Is(err, store.ErrLimit):
		return &httpx.Fault{
			Err: store.ErrConflict, Code: "too-many-scenarios",
			Detail: fmt.Sprintf("There is no room for another one: an account may have %d "+
				"drafts, a scenario %d versions. Publish or delete drafts first.",
				store.MaxDrafts, store.MaxScenarioVersions),
		}
	case errors.Is(err, store.ErrNotFound):
		return missing(err)
	}
	return err
}

type updateInput struct {
	Ref
	Note    string `query:"note" maxLength:"200" doc:"what has changed, for the list of versions"`
	IfMatch string `header:"If-Match" maxLength:"100" example:"\"v7\""`
	Body    Document
}

func (s *Service) update(ctx context.Context, in *updateInput) (*savedOutput, error) {
	base, err := baseOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if in.IfMatch == "" {
		return nil, &httpx.Fault{
			Err: httpx.ErrUnconditional,
			Detail: "Send the ETag of the version that you have changed in If-Match, so that " +
				"nobody's change is lost.",
		}
	}
	text, err := parse(in.Body)
	if err != nil {
		return nil, err
	}
	e, err := s.change(ctx, in.ID, store.ActUpdateScenario,
		func(e *store.ScenarioEntry) (store.ScenarioChange, error) {
			if e.Published != 0 && text.Slug != e.Slug {
				return store.ScenarioChange{}, httpx.Invalid("body.slug",
					"A scenario that was published keeps its slug, "+e.Slug+".")
			}
			return store.ScenarioChange{Text: &text, Note: in.Note}, e.Revise(base, text.Slug)
		})
	if err != nil {
		return nil, err
	}
	return s.saved(e, text)
}

// change runs a rule on a scenario and saves the result with its entry of the audit trail.
func (s *Service) change(ctx context.Context, ref string, action store.Action,
	rule func(*store.ScenarioEntry) (store.ScenarioChange, error)) (store.ScenarioEntry, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return store.ScenarioEntry{}, err
	}
	e, err := s.Store.ChangeScenario(ctx, ref, p.User.ID,
		func(e *store.ScenarioEntry) (store.ScenarioChange, error) {
			c, err := rule(e)
			c.Act = actOf(ctx, action, *e)
			return c, err
		})
	if err != nil {
		return e, unsaved(err)
	}
	return e, nil
}

// baseOf returns the version of an If-Match header, or 0 when any version will do: when it is
// empty or a star.
func baseOf(ifMatch string) (int, error) {
	if ifMatch == "" || ifMatch == "*" {
		return 0, nil
	}
	text := strings.TrimSuffix(strings.TrimPrefix(ifMatch, `"v`), `"`)
	if n, err := strconv.Atoi(text); err == nil && n > 0 && etag(n) == ifMatch {
		return n, nil
	}
	return 0, unsaved(fmt.Errorf("If-Match %q: %w", ifMatch, store.ErrStale))
}

type publishInput struct {
	Ref
	IfMatch string `header:"If-Match" maxLength:"100" example:"\"v7\""`
}

func (s *Service) publish(ctx context.Context, in *publishInput) (*savedOutput, error) {
	base, err := baseOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.changeState(ctx, in.ID, store.ActPublishScenario, func(e *store.ScenarioEntry) error {
		return e.Publish(base, s.now())
	})
}

func (s *Service) now() time.Time { return s.Clock().UTC().Truncate(time.Microsecond) }

func (s *Service) archive(ctx context.Context, in *Ref) (*savedOutput, error) {
	return s.changeState(ctx, in.ID, store.ActArchiveScenario, func(e *store.ScenarioEntry) error {
		err := e.Archive()
		if errors.Is(err, store.ErrState) {
			return &httpx.Fault{
				Err:    err,
				Detail: "This draft was never published. Delete it instead of archiving it.",
			}
		}
		return err
	})
}

func (s *Service) changeState(ctx context.Context, ref string, action store.Action,
	rule func(*store.ScenarioEntry) error) (*savedOutput, error) {
	e, err := s.change(ctx, ref, action,
		func(e *store.ScenarioEntry) (store.ScenarioChange, error) {
			return store.ScenarioChange{}, rule(e)
		})
	if err != nil {
		return nil, err
	}
	_, text, err := s.Store.LibraryScenario(ctx, e.ID, e.Version)
	if err != nil {
		return nil, missing(err)
	}
	return s.saved(e, text)
}

type duplicateInput struct {
	Ref
	Slug string `query:"slug" maxLength:"80" doc:"of the copy; otherwise one is made from the original's" example:"nursing-insulin-at-home-2"`
}

// maxCopies is the number of slugs that are tried for a copy.
const maxCopies = 20

func (s *Service) duplicate(ctx context.Context, in *duplicateInput) (*savedOutput, error) {
	e, text, err := s.Store.LibraryScenario(ctx, in.ID, 0)
	if err != nil {
		return nil, missing(err)
	}
	note := fmt.Sprintf("Copy of %s, version %d", e.Slug, e.Version)
	text.Title = cut(text.Title, 113) + " (copy)"
	if p := text.Picture; p != nil && p.Media == "" {
		// The picture of the program, which is found by the slug.
		if _, _, ok := scenario.Picture(e.Slug); ok {
			text.Picture = &store.ScenarioPicture{Media: store.BuiltInPicture(e.Slug), Alt: p.Alt}
		}
	}
	if text.Slug = in.Slug; text.Slug != "" {
		if err := text.Validate(); err != nil {
			return nil, httpx.Invalid("query.slug",
				"A slug is words in lower case, joined by hyphens.")
		}
		if err := checkSlug(text.Slug); err != nil {
			return nil, err
		}
		return s.createDraft(ctx, text, note)
	}
	for i := 1; ; i++ {
		text.Slug = strings.TrimSuffix(cut(e.Slug, 70), "-") + "-copy"
		if i > 1 {
			text.Slug += "-" + strconv.Itoa(i)
		}
		out, err := s.createDraft(ctx, text, note)
		var f *httpx.Fault
		if !errors.As(err, &f) || f.Code != "slug-taken" || i == maxCopies {
			return out, err
		}
	}
}

// cut returns at most n characters of a text.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}

func (s *Service) delete(ctx context.Context, in *Ref) (*struct{}, error) {
	err := s.Store.DeleteScenario(ctx, in.ID, func(e store.ScenarioEntry) store.Act {
		return actOf(ctx, store.ActDeleteScenario, e)
	})
	if errors.Is(err, store.ErrState) {
		return nil, &httpx.Fault{
			Err: err,
			Detail: "This scenario was published, so somebody may have played it. Archive it " +
				"instead.",
		}
	}
	if err != nil {
		return nil, missing(err)
	}
	return nil, nil
}
