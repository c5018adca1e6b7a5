package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"bedside/signaling/protocol"
)

// User is a signed-in account.
type User struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
	Role  string `json:"role"`
}

// Scenario is a role play in the list.
type Scenario struct {
	Slug           string `json:"slug"`
	Title          string `json:"title"`
	Profession     string `json:"profession"`
	Summary        string `json:"summary"`
	PrepareSeconds int    `json:"prepare_seconds"`
	PlaySeconds    int    `json:"play_seconds"`
}

// Attempt is one practice of a scenario.
type Attempt struct {
	ID        string     `json:"id"`
	State     string     `json:"state"`
	Scenario  Scenario   `json:"scenario"`
	CreatedAt time.Time  `json:"created_at"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Problem   string     `json:"problem"`
}

// ICEServer is a STUN or TURN server.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// Ticket lets its holder join a room once, within a minute.
type Ticket struct {
	URL        string        `json:"url"` // of the WebSocket, absolute
	Ticket     string        `json:"ticket"`
	Role       protocol.Role `json:"role"`
	ICEServers []ICEServer   `json:"ice_servers"`
	ExpiresAt  time.Time     `json:"expires_at"`
}

// Config returns the configuration of a participant with this ticket. An observer only listens.
func (t Ticket) Config() Config {
	return Config{
		URL: t.URL, Ticket: t.Ticket, ICEServers: t.ICEServers,
		Listen: t.Role == protocol.RoleObserver,
	}
}

type grant struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	User         User   `json:"user"`
}

// SignIn signs an account in. Later requests are made for that account. It returns an error for an
// account with two-step sign-in.
func (r *REST) SignIn(ctx context.Context, email, password string) (User, error) {
	var g grant
	if err := r.call(ctx, request{
		method: http.MethodPost, path: "/auth/login", open: true, repeatable: true,
		body: map[string]string{"email": email, "password": password},
	}, &g); err != nil {
		return User{}, err
	}
	if g.AccessToken == "" {
		return User{}, errors.New("the account requires a second factor: use one without")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setTokens(g)
	return g.User, nil
}

// Register creates a candidate's account and signs it in.
func (r *REST) Register(ctx context.Context, email, password, name string) (User, error) {
	err := r.call(ctx, request{
		method: http.MethodPost, path: "/auth/register", open: true,
		body: map[string]string{"email": email, "password": password, "name": name},
	}, nil)
	if err != nil {
		return User{}, err
	}
	// The response does not reveal whether the address was free; signing in does.
	return r.SignIn(ctx, email, password)
}

// SignOut ends the session. Without one it does nothing.
func (r *REST) SignOut(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.access == "" {
		return nil
	}
	body := map[string]string{"refresh_token": r.refresh}
	q := request{
		method: http.MethodPost, path: "/auth/logout", body: body, open: true, repeatable: true,
	}
	if err := r.call(ctx, q, nil); err != nil {
		return err
	}
	r.access, r.refresh = "", ""
	return nil
}

// Scenarios returns the list of role plays.
func (r *REST) Scenarios(ctx context.Context) ([]Scenario, error) {
	var list struct {
		Items []Scenario `json:"items"`
	}
	err := r.call(ctx, get("/api/scenarios"), &list)
	return list.Items, err
}

// CreateAttempt creates an attempt of a scenario, with the account as its candidate and with
// consent to being recorded.
func (r *REST) CreateAttempt(ctx context.Context, scenario string) (Attempt, error) {
	return r.createAttempt(ctx, map[string]any{"scenario": scenario, "consent": true})
}

// CreateAutomaticAttempt creates an attempt whose patient is the automatic one. It returns a
// *Problem for a scenario that has no dialogue.
func (r *REST) CreateAutomaticAttempt(ctx context.Context, scenario string) (Attempt, error) {
	return r.createAttempt(ctx, map[string]any{
		"scenario": scenario, "consent": true, "patient": "automatic",
	})
}

func (r *REST) createAttempt(ctx context.Context, body map[string]any) (Attempt, error) {
	var a Attempt
	err := r.call(ctx, request{
		method: http.MethodPost, path: "/api/attempts", body: body,
	}, &a)
	return a, err
}

// Attempt returns an attempt.
func (r *REST) Attempt(ctx context.Context, id string) (Attempt, error) {
	var a Attempt
	err := r.call(ctx, get("/api/attempts/"+url.PathEscape(id)), &a)
	return a, err
}

// Ticket returns a new ticket for an attempt's room. With an empty role the server chooses one.
func (r *REST) Ticket(ctx context.Context, attemptID string, role protocol.Role) (Ticket, error) {
	return r.ticket(ctx, attemptID, role, true)
}

// Tickets returns a function that gets tickets, for Config.NewTicket and JoinWithTickets. It does
// not retry a 503 by itself, because they do, with shorter pauses.
func (r *REST) Tickets(attemptID string,
	role protocol.Role) func(context.Context) (Ticket, error) {
	return func(ctx context.Context) (Ticket, error) {
		return r.ticket(ctx, attemptID, role, false)
	}
}

func (r *REST) ticket(ctx context.Context, attemptID string, role protocol.Role,
	retry bool) (Ticket, error) {
	body := map[string]protocol.Role{}
	if role != "" {
		body["role"] = role
	}
	var t Ticket
	q := request{
		method: http.MethodPost, path: "/api/attempts/" + url.PathEscape(attemptID) + "/ticket",
		body: body, repeatable: retry,
	}
	if err := r.call(ctx, q, &t); err != nil {
		return t, err
	}
	if strings.HasPrefix(t.URL, "/") {
		t.URL = r.base.String() + t.URL
	}
	if rest, ok := strings.CutPrefix(t.URL, "http"); ok {
		t.URL = "ws" + rest
	}
	return t, nil
}

// WaitingRoom is an open room in a tutor's list.
type WaitingRoom struct {
	AttemptID     string `json:"attempt_id"`
	Phase         string `json:"phase"`
	ScenarioTitle string `json:"scenario_title"`
	CandidateName string `json:"candidate_name"`
	Waiting       bool   `json:"waiting"`
}

// Rooms returns the open rooms. Only tutors may call it.
func (r *REST) Rooms(ctx context.Context) ([]WaitingRoom, error) {
	var list struct {
		Items []WaitingRoom `json:"items"`
	}
	err := r.call(ctx, get("/api/rooms"), &list)
	return list.Items, err
}

// Audio writes the recording of a speaker ("candidate" or "patient"), an Ogg Opus file, to w and
// returns its size.
func (r *REST) Audio(ctx context.Context, attemptID, speaker string, w io.Writer) (int64, error) {
	q := get("/api/attempts/" + url.PathEscape(attemptID) + "/audio/" + url.PathEscape(speaker))
	q.accept = "audio/ogg"
	var n int64
	err := r.send(ctx, q, 0, func(res *http.Response) (err error) {
		if n, err = io.Copy(w, res.Body); err != nil {
			return fmt.Errorf("%s: after %d bytes: %w", q, n, err)
		}
		return nil
	})
	return n, err
}

func get(path string) request {
	return request{method: http.MethodGet, path: path, repeatable: true}
}
