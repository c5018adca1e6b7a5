package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/store"
)

// Errors of join tickets. Each wraps the store's sentinel of the same meaning.
var (
	// ErrTicketForged is returned for a ticket that was not issued here.
	ErrTicketForged = fmt.Errorf("the ticket was not issued here: %w", store.ErrUnauthenticated)
	// ErrTicketExpired is returned for a ticket that is older than its lifetime.
	ErrTicketExpired = fmt.Errorf("the ticket has %w: ask for a new one", store.ErrExpired)
	// ErrTicketUsed is returned for a ticket that was used before.
	ErrTicketUsed = fmt.Errorf("the ticket was %w: ask for a new one", store.ErrReused)
	// ErrTicketEnded is returned for a ticket whose session has ended, or whose account was
	// disabled.
	ErrTicketEnded = fmt.Errorf("the session of the ticket has ended: %w", store.ErrForbidden)
)

// Tickets keeps the ids of used tickets; store/presence implements it.
type Tickets interface {
	// UseTicket marks a ticket as used. It returns store.ErrReused when it is marked already.
	UseTicket(ctx context.Context, id string, ttl time.Duration) error
}

// Ticket issues a ticket for one join. It is valid for a minute.
func (s *Sessions) Ticket(j store.Join) (ticket string, expires time.Time, err error) {
	return s.tokens.ticket(j)
}

// VerifyTicket uses a ticket up and returns the join that it is for. It returns one of the
// ErrTicket errors, or store.ErrUnavailable when it cannot find out whether the ticket was used.
func (s *Sessions) VerifyTicket(ctx context.Context, ticket string) (store.Join, error) {
	claims, err := s.tokens.parseTicket(ticket)
	if err != nil {
		return store.Join{}, err
	}
	_, err = s.liveUser(ctx, claims.Session, claims.Subject)
	if errors.Is(err, store.ErrUnauthenticated) || errors.Is(err, store.ErrForbidden) {
		return store.Join{}, ErrTicketEnded
	} else if err != nil {
		return store.Join{}, err
	}
	ttl := claims.ExpiresAt.Sub(s.tokens.cfg.Clock()) + 2*leeway
	err = s.tickets.UseTicket(ctx, claims.ID, ttl)
	if errors.Is(err, store.ErrReused) {
		return store.Join{}, ErrTicketUsed
	}
	if err != nil {
		return store.Join{}, err
	}
	return store.Join{
		AttemptID: claims.Attempt, NodeID: claims.Node, UserID: claims.Subject,
		SessionID: claims.Session, Name: claims.Name, AvatarID: claims.Avatar,
		AvatarURL: s.MediaURL(claims.Avatar), Role: claims.Role,
		Expires: claims.ExpiresAt.Time,
	}, nil
}
