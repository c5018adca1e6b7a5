package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// ErrNoReport is returned when there will be no report: the attempt failed or was abandoned. It
// wraps a *Problem that says why.
var ErrNoReport = errors.New("there is no report")

const (
	firstPoll = 250 * time.Millisecond
	lastPoll  = 2 * time.Second
)

// Report returns an attempt's report as the server has stored it. It returns a *Problem with the
// code "report-pending" while there is none, and ErrNoReport if there will be none.
func (r *REST) Report(ctx context.Context, attemptID string) (json.RawMessage, error) {
	body, err := r.read(ctx, get("/api/attempts/"+url.PathEscape(attemptID)+"/report"), maxReport)
	var p *Problem
	if errors.As(err, &p) && (p.Code() == "report-failed" || p.Code() == "report-none") {
		return nil, fmt.Errorf("%w: %w", ErrNoReport, p)
	}
	return body, err
}

// WaitReport polls for an attempt's report, and polls at once when ready is closed, which is
// Client.Reported or nil. It keeps waiting while the server is unavailable, until ctx ends.
func (r *REST) WaitReport(ctx context.Context, attemptID string,
	ready <-chan struct{}) (json.RawMessage, error) {
	for wait := firstPoll; ; wait = min(wait*3/2, lastPoll) {
		report, err := r.Report(ctx, attemptID)
		if err == nil {
			return report, nil
		}
		if !passing(err) {
			return nil, err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ready:
			ready, wait = nil, firstPoll
		case <-ctx.Done():
			t.Stop()
			return nil, fmt.Errorf("waiting for the report: %w; the last response: %w",
				context.Cause(ctx), err)
		}
		t.Stop()
	}
}

// passing reports whether a later try may succeed.
func passing(err error) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return !errors.Is(err, ErrNotSignedIn) && !errors.Is(err, ErrTooLong)
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusNotFound:
		return p.Code() == "report-pending"
	}
	return false
}
