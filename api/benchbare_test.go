package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"bedside/api/attempts"
	"bedside/api/audit"
	"bedside/api/httpx"
	"bedside/api/rooms"
	"bedside/api/scenarios"
	"bedside/api/scenarios/view"
	"bedside/api/sessions"
	"bedside/api/signin"
	"bedside/api/users"
	"bedside/store"
	"bedside/store/presence"

	"github.com/go-chi/chi/v5"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bare answers like the API, with chi and pgx alone.
type bare struct {
	pool  *pgxpool.Pool
	rooms *presence.Presence
	chi.Router
}

const bareSecret = "secret"

// newBare returns the handlers over a pool of their own.
func newBare(b *testing.B, url string, rooms *presence.Presence) *bare {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), url+" timezone=UTC")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	h := &bare{pool: pool, rooms: rooms, Router: chi.NewRouter()}
	for pattern, do := range map[string]bareFunc{
		"GET /attempts": h.attempts, "GET /attempts/{id}": h.attempt,
		"GET /attempts/{id}/report": h.report, "POST /attempts": h.create,
		"POST /attempts/{id}/ticket": h.ticket, "GET /scenarios": h.scenarios,
		"GET /profile": h.profile, "GET /sessions": h.sessions, "POST /refresh": h.refresh,
		"GET /users": h.users, "GET /audit": h.acts, "GET /rooms": h.openRooms,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		h.Method(method, path, authenticated(do))
	}
	return h
}

// bareFunc answers a request of a user.
type bareFunc func(ctx context.Context, r *http.Request, user string) (any, error)

// token returns an Authorization header of a user for the bare handlers.
func bareToken(user string) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject: user, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}).SignedString([]byte(bareSecret))
	if err != nil {
		panic(err) // only for a key of another type
	}
	return "Bearer " + token
}

// authenticated checks the token's signature and writes what do returns as JSON.
func authenticated(do bareFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		token, err := jwt.Parse(access, func(*jwt.Token) (any, error) {
			return []byte(bareSecret), nil
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		user, err := token.Claims.GetSubject()
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		out, err := do(r.Context(), r, user)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if packed, ok := out.([]byte); ok {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
			return
		}
		_ = json.NewEncoder(w).Encode(out)
	}
}

// list reads the rows of a query.
func list[T any](ctx context.Context, h *bare, sql string, args []any,
	targets func(*T) []any) ([]T, error) {
	rows, err := h.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v T, err error) {
		return v, row.Scan(targets(&v)...)
	})
}

const (
	bareLast  = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	bareLimit = 20
)

const bareAttempt = `a.id::text, a.state, a.consent, a.created_at, a.prepared_at, a.started_at,
	a.ended_at, a.problem, a.candidate_id::text, coalesce(a.partner_id::text, ''),
	(SELECT name FROM users WHERE id = a.candidate_id),
	coalesce((SELECT name FROM users WHERE id = a.partner_id), ''), v.slug, v.title, v.profession,
	coalesce(a.exam_id::text, ''), coalesce(a.exam_position, 0)`

func bareAttemptTargets(a *attempts.Attempt, partner *attempts.Person) []any {
	return []any{&a.ID, &a.State, &a.Consent, &a.CreatedAt, &a.PreparedAt, &a.StartedAt,
		&a.EndedAt, &a.Problem, &a.Candidate.ID, &partner.ID, &a.Candidate.Name, &partner.Name,
		&a.ScenarioSlug, &a.ScenarioTitle, &a.Profession, &a.ExamID, &a.ExamPosition}
}

// complete sets what depends on the viewer.
func complete(a *attempts.Attempt, partner *attempts.Person, user string) {
	a.Part = "none"
	switch user {
	case a.Candidate.ID:
		a.Part = "candidate"
	case partner.ID:
		a.Part = "patient"
	}
	if partner.ID != "" {
		a.Partner = partner
	}
	if a.Part == "candidate" && a.ExamID != "" && a.State == store.AttemptCreated {
		a.Sealed, a.ScenarioSlug = true, ""
		a.ScenarioTitle = fmt.Sprintf("Role play %d of your mock exam", a.ExamPosition)
	}
}

func (h *bare) attempts(ctx context.Context, r *http.Request, user string) (any, error) {
	before := r.URL.Query().Get("before")
	if before == "" {
		before = bareLast
	}
	type row struct {
		a       attempts.Attempt
		partner attempts.Person
	}
	rows, err := list(ctx, h, `SELECT `+bareAttempt+` FROM (
			(SELECT * FROM attempts WHERE candidate_id >= $1 AND (candidate_id, id) < ($1, $2)
				ORDER BY candidate_id DESC, id DESC LIMIT 21)
			UNION ALL
			(SELECT * FROM attempts WHERE partner_id >= $1 AND (partner_id, id) < ($1, $2)
				AND candidate_id <> $1 ORDER BY partner_id DESC, id DESC LIMIT 21)
			ORDER BY id DESC LIMIT 21) a JOIN scenario_versions v
				ON (v.scenario_id, v.version) = (a.scenario_id, a.scenario_version)
		ORDER BY a.id DESC`, []any{user, before},
		func(v *row) []any { return bareAttemptTargets(&v.a, &v.partner) })
	if err != nil {
		return nil, err
	}
	page := attempts.AttemptPage{Items: make([]attempts.Attempt, 0, bareLimit)}
	for i := range rows[:min(len(rows), bareLimit)] {
		complete(&rows[i].a, &rows[i].partner, user)
		page.Items = append(page.Items, rows[i].a)
	}
	if len(rows) > bareLimit {
		page.Next = page.Items[bareLimit-1].ID
	}
	return page, nil
}

// bareSummary are the columns of a scenario in a list, whose versions are all the first.
const bareSummary = `c.id::text, c.slug, c.title, c.profession, c.summary, c.difficulty, c.setting,
	c.clinical_focus, c.criteria, c.tags, c.picture, c.prepare_seconds, c.play_seconds, c.version`

func bareSummaryTargets(s *store.ScenarioSummary) []any {
	return []any{&s.ID, &s.Slug, &s.Title, &s.Profession, &s.Summary, &s.Difficulty, &s.Setting,
		&s.ClinicalFocus, &s.Criteria, &s.Tags, &s.Picture, &s.PrepareSeconds, &s.PlaySeconds,
		&s.Version}
}

const bareScenario = `v.document, v.scenario_id::text, v.version`

func bareScenarioTargets(s *store.Scenario) []any { return []any{s, &s.ID, &s.Version} }

func (h *bare) attempt(ctx context.Context, r *http.Request, user string) (any, error) {
	var d attempts.AttemptDetail
	var partner attempts.Person
	var s store.Scenario
	err := h.pool.QueryRow(ctx, `SELECT `+bareAttempt+`, `+bareScenario+`
		FROM attempts a JOIN scenario_versions v
			ON (v.scenario_id, v.version) = (a.scenario_id, a.scenario_version)
		WHERE a.id = $1 AND (a.candidate_id = $2 OR a.partner_id = $2)`,
		chi.URLParam(r, "id"), user).Scan(append(bareAttemptTargets(&d.Attempt, &partner),
		bareScenarioTargets(&s)...)...)
	complete(&d.Attempt, &partner, user)
	d.Scenario = view.Of(s, true)
	return d, err
}

func (h *bare) report(ctx context.Context, r *http.Request, user string) (any, error) {
	var body []byte
	err := h.pool.QueryRow(ctx, `SELECT r.body FROM attempts a
		JOIN reports r ON r.attempt_id = a.id
		WHERE a.id = $1 AND (a.candidate_id = $2 OR a.partner_id = $2)`,
		chi.URLParam(r, "id"), user).Scan(&body)
	return body, err
}

func (h *bare) create(ctx context.Context, r *http.Request, user string) (any, error) {
	var in attempts.NewAttempt
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	var d attempts.AttemptDetail
	var s store.Scenario
	if err := h.pool.QueryRow(ctx, `SELECT `+bareScenario+` FROM scenarios c
		JOIN scenario_versions v ON (v.scenario_id, v.version) = (c.id, c.published_version)
		WHERE c.slug = $1`, in.Scenario).Scan(bareScenarioTargets(&s)...); err != nil {
		return nil, err
	}
	d.ID, d.State, d.Part, d.Consent, d.CreatedAt = uuid.Must(uuid.NewV7()).String(),
		store.AttemptCreated, "candidate", true, time.Now()
	d.Scenario = view.Of(s, false)
	_, err := h.pool.Exec(ctx, `INSERT INTO attempts
		(id, scenario_id, scenario_version, candidate_id, state, consent, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, d.ID, s.ID, s.Version, user, d.State, true,
		d.CreatedAt)
	return d, err
}

func (h *bare) ticket(ctx context.Context, r *http.Request, user string) (any, error) {
	var id, candidate, state string
	if err := h.pool.QueryRow(ctx,
		`SELECT id::text, candidate_id::text, state FROM attempts WHERE id = $1`,
		chi.URLParam(r, "id")).Scan(&id, &candidate, &state); err != nil {
		return nil, err
	}
	if _, err := h.rooms.Place(ctx, id); err != nil { // the node to dial, from Redis
		return nil, err
	}
	expires := time.Now().Add(time.Minute)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "attempt": id, "role": "candidate", "exp": expires.Unix(), "jti": uuid.New(),
	}).SignedString([]byte(bareSecret))
	return attempts.Ticket{
		URL: "/ws", Ticket: token, Role: "candidate", ICEServers: []attempts.ICEServer{},
		ExpiresAt: expires,
	}, err
}

func (h *bare) scenarios(ctx context.Context, _ *http.Request, user string) (any, error) {
	type item struct {
		store.ScenarioSummary
		tried      int
		bookmarked bool
	}
	found, err := list(ctx, h, `SELECT `+bareSummary+`, coalesce(p.attempts, 0),
			m.bookmarked_at IS NOT NULL FROM scenarios c
		LEFT JOIN progress p ON (p.user_id, p.scenario_id) = ($1, c.id)
		LEFT JOIN scenario_marks m ON (m.user_id, m.scenario_id) = ($1, c.id)
		WHERE c.state = 'published'
		ORDER BY c.profession, c.difficulty, lower(c.title), c.id LIMIT 101`, []any{user},
		func(s *item) []any {
			return append(bareSummaryTargets(&s.ScenarioSummary), &s.tried, &s.bookmarked)
		})
	if err != nil {
		return nil, err
	}
	items := make([]view.ScenarioSummary, len(found))
	for i, s := range found {
		items[i] = view.Summary(s.ScenarioSummary)
		items[i].Tried, items[i].Bookmarked = &s.tried, &s.bookmarked
	}
	type row struct {
		facet string
		store.FacetCount
	}
	rows, err := list(ctx, h, bareFacets, nil,
		func(r *row) []any { return []any{&r.facet, &r.Value, &r.Count} })
	out := scenarios.ScenarioList{Items: items, Total: len(items), Facets: store.ScenarioFacets{
		Professions: []store.FacetCount{}, Settings: []store.FacetCount{},
		Difficulties: []store.FacetCount{}, ClinicalFocus: []store.FacetCount{},
		Criteria: []store.FacetCount{}, Tags: []store.FacetCount{},
	}}
	f := &out.Facets
	for _, r := range rows {
		for name, to := range map[string]*[]store.FacetCount{
			"profession": &f.Professions, "setting": &f.Settings, "difficulty": &f.Difficulties,
			"focus": &f.ClinicalFocus, "criterion": &f.Criteria, "tag": &f.Tags,
		} {
			if name == r.facet {
				*to = append(*to, r.FacetCount)
			}
		}
	}
	return out, err
}

const bareFacets = `WITH c AS MATERIALIZED (SELECT * FROM scenarios WHERE state = 'published')
	SELECT * FROM (SELECT 'profession', profession, count(*) FROM c GROUP BY 2
		UNION ALL SELECT 'setting', setting, count(*) FROM c GROUP BY 2
		UNION ALL SELECT 'difficulty', difficulty::text, count(*) FROM c GROUP BY 2
		UNION ALL SELECT 'focus', clinical_focus, count(*) FROM c GROUP BY 2
		UNION ALL SELECT 'criterion', x, count(*) FROM c, unnest(criteria) x GROUP BY 2
		UNION ALL SELECT 'tag', x, count(*) FROM c, unnest(tags) x GROUP BY 2) f (facet, value, n)
	ORDER BY facet, n DESC, value`

const bareUser = `u.id::text, u.email, u.verified_at IS NOT NULL, u.name, u.role, u.profession,
	u.target_grade, coalesce(u.test_date::text, ''), u.time_zone, u.locale, u.created_at`

func bareUserTargets(u *httpx.User) []any {
	return []any{&u.ID, &u.Email, &u.EmailVerified, &u.Name, &u.Role, &u.Profession,
		&u.TargetGrade, &u.TestDate, &u.TimeZone, &u.Locale, &u.CreatedAt}
}

func (h *bare) profile(ctx context.Context, _ *http.Request, user string) (any, error) {
	var u httpx.User
	err := h.pool.QueryRow(ctx, `SELECT `+bareUser+` FROM users u WHERE u.id = $1`, user).
		Scan(bareUserTargets(&u)...)
	return u, err
}

func (h *bare) sessions(ctx context.Context, r *http.Request, user string) (any, error) {
	type row struct {
		s     sessions.Session
		agent string
	}
	rows, err := list(ctx, h, `SELECT id::text, user_agent, ip, fingerprint, created_at,
			last_seen_at, expires_at, max_expires_at FROM sessions
		WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
		ORDER BY last_seen_at DESC, id DESC`, []any{user, time.Now()}, func(v *row) []any {
		return []any{&v.s.ID, &v.agent, &v.s.IP, &v.s.Fingerprint, &v.s.CreatedAt,
			&v.s.LastSeenAt, &v.s.ExpiresAt, &v.s.EndsAt}
	})
	items := make([]sessions.Session, len(rows))
	for i, v := range rows {
		d := httpx.DeviceOf(v.agent)
		items[i] = v.s
		items[i].Browser, items[i].System, items[i].Kind = d.Browser, d.System, d.Kind
		items[i].Current = v.s.ID == r.URL.Query().Get("current")
	}
	return sessions.List{Items: items}, err
}

// refresh replaces the hash of a session under its row's lock, as rotating tokens needs.
func (h *bare) refresh(ctx context.Context, r *http.Request, user string) (any, error) {
	var in signin.RefreshRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	var u httpx.User
	err := pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		var hash, parent []byte
		if err := tx.QueryRow(ctx, `SELECT s.refresh_hash, s.parent_hash, `+bareUser+`
			FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 FOR UPDATE OF s`,
			in.RefreshToken).Scan(append([]any{&hash, &parent}, bareUserTargets(&u)...)...,
		); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE sessions SET refresh_hash = $2, parent_hash = $3,
			last_seen_at = $4, expires_at = $5 WHERE id = $1`, in.RefreshToken, hash, hash,
			time.Now(), time.Now().Add(time.Hour))
		return err
	})
	return signin.Grant{
		AccessToken: bareToken(user), TokenType: "Bearer", ExpiresIn: 600,
		RefreshToken: in.RefreshToken, User: u,
	}, err
}

func (h *bare) users(ctx context.Context, r *http.Request, _ string) (any, error) {
	rows, err := list(ctx, h, `SELECT `+bareUser+`, u.disabled, u.updated_at FROM users u
		WHERE (' ' || lower(u.name) || ' ' || u.email) LIKE $1 ORDER BY u.id DESC LIMIT 51`,
		[]any{pgx.QueryExecModeCacheDescribe, "%" + r.URL.Query().Get("text") + "%"},
		func(v *users.Account) []any {
			return append(bareUserTargets(&v.User), &v.Disabled, &v.UpdatedAt)
		})
	page := users.AccountPage{Items: rows}
	if len(rows) > 50 {
		page.Items, page.Next = rows[:50], rows[49].ID
	}
	return page, err
}

func (h *bare) acts(ctx context.Context, r *http.Request, user string) (any, error) {
	page := `SELECT DISTINCT ON (id) * FROM (
		(SELECT * FROM acts WHERE user_id >= $1 AND (user_id, id) < ($1, $2)
			ORDER BY user_id DESC, id DESC LIMIT 51) UNION ALL
		(SELECT * FROM acts WHERE actor_id >= $1 AND (actor_id, id) < ($1, $2)
			ORDER BY actor_id DESC, id DESC LIMIT 51)) x ORDER BY id DESC LIMIT 51`
	args := []any{user, bareLast}
	if r.URL.Query().Get("user") == "all" {
		page, args = `SELECT * FROM acts WHERE id < $1 ORDER BY id DESC LIMIT 51`, args[1:]
	}
	rows, err := list(ctx, h, `SELECT a.id::text, a.at, a.action, a.outcome,
			coalesce(a.actor_id::text, ''), coalesce(a.user_id::text, ''),
			coalesce(a.session_id::text, ''), a.object, a.detail, a.ip, a.user_agent,
			coalesce(t.count, 1), coalesce(t.last_at, a.at)
		FROM (`+page+`) a LEFT JOIN act_tallies t ON t.act_id = a.id ORDER BY a.id DESC`, args,
		func(a *audit.Act) []any {
			return []any{&a.ID, &a.At, &a.Action, &a.Outcome, &a.ActorID, &a.UserID, &a.SessionID,
				&a.Object, &a.Detail, &a.IP, &a.UserAgent, &a.Count, &a.LastAt}
		})
	out := audit.ActPage{Items: rows}
	for i := range rows {
		rows[i].Own = rows[i].ActorID == user
	}
	if len(rows) > 50 {
		out.Items, out.Next = rows[:50], rows[49].ID
	}
	return out, err
}

func (h *bare) openRooms(ctx context.Context, _ *http.Request, _ string) (any, error) {
	open, err := h.rooms.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	ids, at := make([]string, len(open)), map[string]store.RoomInfo{}
	for i, r := range open {
		ids[i], at[r.ID] = r.ID, r
	}
	items, err := list(ctx, h, `SELECT a.id::text, a.state, v.slug, v.title, v.profession, u.name
		FROM attempts a JOIN scenario_versions v
			ON (v.scenario_id, v.version) = (a.scenario_id, a.scenario_version)
		JOIN users u ON u.id = a.candidate_id WHERE a.id = ANY ($1::uuid[]) ORDER BY a.id`,
		[]any{ids}, func(v *rooms.Room) []any {
			return []any{&v.AttemptID, &v.State, &v.ScenarioSlug, &v.ScenarioTitle, &v.Profession,
				&v.CandidateName}
		})
	for i := range items {
		r := at[items[i].AttemptID]
		items[i].Phase, items[i].RemainingS, items[i].OpenedAt = r.Phase, r.Remaining, r.OpenedAt
		items[i].Waiting, items[i].People = true, []rooms.Occupant{}
		for _, p := range r.People {
			items[i].People = append(items[i].People, rooms.Occupant{
				Name: p.Name, Role: p.Role, Connected: p.Connected,
			})
		}
	}
	return rooms.RoomList{Items: items}, err
}
