package scenarios

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"bedside/api/httpx"
	"bedside/api/scenarios/view"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

func (s *Service) listRoute(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-scenarios", Method: http.MethodGet, Path: "/api/scenarios",
		Summary: "List the scenarios",
		Description: "The published scenarios that match every filter, without their cards. " +
			"Filters may be repeated or have several values with commas between them, of which " +
			"a scenario needs one. q finds scenarios that have all its words; the last one may " +
			"be the beginning of a word. facets says how many scenarios each value of a filter " +
			"would leave, with the other filters as they are. With an access token, the items " +
			"say what you have tried and bookmarked. Tutors and administrators may ask for " +
			"drafts and archived scenarios by their state.",
		Metadata: httpx.Optional(),
		Errors:   []int{http.StatusForbidden},
		Responses: map[string]*huma.Response{
			"304": {Description: "The client has the answer already (If-None-Match)"},
		},
	}, s.list)
}

type listInput struct {
	Profession    []string `query:"profession,explode" maxItems:"20" doc:"such as nursing" example:"nursing"`
	Setting       []string `query:"setting,explode" maxItems:"20" doc:"such as hospital" example:"hospital"`
	Difficulty    []string `query:"difficulty,explode" maxItems:"20" doc:"1 (easy) to 3 (hard)" example:"2"`
	ClinicalFocus []string `query:"clinical_focus,explode" maxItems:"20" doc:"such as diabetes" example:"diabetes"`
	Criterion     []string `query:"criterion,explode" maxItems:"20" doc:"a criterion of the test that the scenario trains" example:"relationship"`
	Tag           []string `query:"tag,explode" maxItems:"20" example:"discharge"`

	Tried      string `query:"tried" enum:"true,false" doc:"whether you have played it; needs an access token"`
	Bookmarked string `query:"bookmarked" enum:"true,false" doc:"whether you have bookmarked it; needs an access token"`
	Q          string `query:"q" maxLength:"100" doc:"words to search for" example:"insulin"`
	State      string `query:"state" enum:"draft,published,archived" doc:"only for tutors and administrators; published for all others"`
	Sort       string `query:"sort" enum:"profession,title,newest,difficulty,relevance" doc:"profession unless there is a q, otherwise relevance, which needs a q"`
	Limit      int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Before     string `query:"before" maxLength:"600" doc:"the next of the page before"`

	IfNoneMatch string `header:"If-None-Match" maxLength:"2000"`
}

// ScenarioList is one page of scenarios.
type ScenarioList struct {
	Items  []view.ScenarioSummary `json:"items"`
	Next   string                 `json:"next,omitempty" doc:"the before of the next page; absent on the last page"`
	Total  int                    `json:"total" doc:"scenarios on all pages"`
	Facets store.ScenarioFacets   `json:"facets" doc:"the number of scenarios for each value of a filter"`
}

type listOutput struct {
	CacheHeaders
	Body ScenarioList
}

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	u := viewer(ctx)
	f, err := in.filter(u)
	if err != nil {
		return nil, err
	}
	generation, err := s.Store.CatalogueGeneration(ctx)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	if u == nil {
		if out.CacheHeaders, err = public(generation, f, in.IfNoneMatch); err != nil {
			return nil, err
		}
	}
	if out.Body, err = s.page(ctx, u, generation, f); err != nil {
		return nil, badPage(err)
	}
	items := make([]*view.ScenarioSummary, len(out.Body.Items))
	for i := range items {
		items[i] = &out.Body.Items[i]
	}
	_, err = s.addMine(ctx, u, items...)
	return out, err
}

// page returns a page of the catalogue as everybody sees it, or, for tutors, of the library.
func (s *Service) page(ctx context.Context, u *store.User, generation string,
	f store.ScenarioFilter) (ScenarioList, error) {
	load := func(ctx context.Context) (ScenarioList, error) { return s.load(ctx, u, f) }
	if writes(u) || !frequent(f) {
		return load(ctx)
	}
	return through(ctx, &s.loader, load, "list", generation, f)
}

// frequent reports whether many ask the same: the first page, with at most two values of the
// filters that have few. Of others there could be so many that they would fill the cache.
func frequent(f store.ScenarioFilter) bool {
	values := len(f.Professions) + len(f.Settings) + len(f.Difficulties) + len(f.Criteria)
	return f.State == store.ScenarioPublished && f.UserID == "" && f.Text == "" &&
		f.Before == "" && f.Limit == defaultLimit && values <= 2 &&
		len(f.ClinicalFocus)+len(f.Tags) == 0
}

// defaultLimit is the length of a page unless the request has a limit.
const defaultLimit = 20

func (s *Service) load(ctx context.Context, u *store.User, f store.ScenarioFilter) (ScenarioList,
	error) {
	list, next, err := s.Store.Scenarios(ctx, f)
	if err != nil {
		return ScenarioList{}, err
	}
	counts, err := s.Store.CountScenarios(ctx, f)
	if err != nil {
		return ScenarioList{}, err
	}
	out := ScenarioList{
		Items: make([]view.ScenarioSummary, len(list)), Next: next, Total: counts.Total,
		Facets: counts.Facets,
	}
	for i, one := range list {
		out.Items[i] = view.Summary(one)
		if writes(u) {
			out.Items[i].Library = view.LibraryOf(one.ScenarioEntry)
		}
	}
	return out, nil
}

// addMine adds what a user has done with scenarios, and returns it by their id.
func (s *Service) addMine(ctx context.Context, u *store.User,
	items ...*view.ScenarioSummary) (map[string]store.ScenarioMine, error) {
	if u == nil || len(items) == 0 {
		return nil, nil
	}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	mine, err := s.Store.ScenariosMine(ctx, u.ID, ids)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		m := mine[item.ID]
		item.Tried, item.Bookmarked = &m.Tried, &m.Bookmarked
	}
	return mine, nil
}

// filter returns the filter of a request, or a Fault that says what is wrong with it.
func (in *listInput) filter(u *store.User) (f store.ScenarioFilter, err error) {
	f = store.ScenarioFilter{
		State: store.ScenarioPublished, Text: strings.TrimSpace(in.Q), Before: in.Before,
		Limit: in.Limit, Sort: store.ScenarioSort(in.Sort),
	}
	for _, one := range []struct {
		name  string
		given []string
		known []string // nil: any slug
		to    *[]string
	}{
		{"profession", in.Profession, store.Professions(), &f.Professions},
		{"setting", in.Setting, store.Settings(), &f.Settings},
		{"difficulty", in.Difficulty, []string{"1", "2", "3"}, &f.Difficulties},
		{"clinical_focus", in.ClinicalFocus, nil, &f.ClinicalFocus},
		{"criterion", in.Criterion, store.Criteria(), &f.Criteria},
		{"tag", in.Tag, nil, &f.Tags},
	} {
		if *one.to, err = values(one.name, one.given, one.known); err != nil {
			return f, err
		}
	}
	if f.Sort == "" {
		f.Sort = store.SortProfession
		if f.Text != "" {
			f.Sort = store.SortRelevance
		}
	}
	if f.Sort == store.SortRelevance && f.Text == "" {
		return f, httpx.Invalid("query.sort", "Only a search (q) can be sorted by relevance.")
	}
	if in.State != "" && in.State != string(store.ScenarioPublished) {
		if u == nil {
			return f, signInFor("see drafts")
		}
		if !writes(u) {
			return f, &httpx.Fault{
				Err:    store.ErrForbidden,
				Detail: "Only tutors and administrators see drafts and archived scenarios.",
			}
		}
		f.State = store.ScenarioState(in.State)
	}
	if in.Tried != "" || in.Bookmarked != "" {
		if u == nil {
			return f, signInFor("filter by your own practice")
		}
		f.UserID, f.Tried, f.Bookmarked = u.ID, yes(in.Tried), yes(in.Bookmarked)
	}
	return f, nil
}

func signInFor(what string) error {
	return &httpx.Fault{Err: store.ErrUnauthenticated, Detail: "Sign in to " + what + "."}
}

// yes returns what "true" or "false" says, or nil when it is empty.
func yes(s string) *bool {
	if s == "" {
		return nil
	}
	is := s == "true"
	return &is
}

// maxValues is the number of values that one filter may have.
const maxValues = 20

// values returns the values of a filter, sorted and each once. They are among known, or slugs when
// known is nil.
func values(name string, given, known []string) ([]string, error) {
	var list []string
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, g := range given {
		for v := range strings.SplitSeq(g, ",") {
			switch {
			case v == "":
			case known != nil && !slices.Contains(known, v):
				return nil, httpx.Invalid("query."+name,
					"This is one of: "+strings.Join(known, ", ")+".")
			case len(v) > 40 || !slug.MatchString(v):
				return nil, httpx.Invalid("query."+name,
					"This is a word or some in lower case, joined by hyphens.")
			default:
				list = append(list, v)
			}
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > maxValues {
		return nil, httpx.Invalid("query."+name,
			fmt.Sprintf("At most %d values are possible.", maxValues))
	}
	return list, nil
}
