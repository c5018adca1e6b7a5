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

// ErrNoReport means that there will be no report: the attempt failed, or was never begun. The
// *Problem in it says why.
var ErrNoReport = errors.New("there is no report")

const (
	firstPoll = 250 * time.Millisecond
	lastPoll  = 2 * time.Second
)

// Report reads an attempt's report, as the server has it. While there is none the error is a
// *Problem with the code "report-pending".
func (r *REST) Report(ctx context.Context, attemptID string) (json.RawMessage, error) {
	body, err := r.read(ctx, get("/api/attempts/"+url.PathEscape(attemptID)+"/report"), maxReport)
	var p *Problem
	if errors.As(err, &p) && (p.Code() == "report-failed" || p.Code() == "report-none") {
		return nil, fmt.Errorf("%w: %w", ErrNoReport, p)
	}
	return body, err
}

// WaitReport waits for an attempt's report. It asks again and again, and at once when told closes
// (Client.Reported, or nil). A server that is away for a while does not end the waiting; ctx
// does.
func (r *REST) WaitReport(ctx context.Context, attemptID string,
	told <-chan struct{}) (json.RawMessage, error) {
	for wait := firstPoll; ; wait = min(wait*3/2, lastPoll) {
		report, err := r.Report(ctx, attemptID)
		if err == nil {
			return report, nil
		}
		if final(err) {
			return nil, err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-told:
			told, wait = nil, firstPoll
		case <-ctx.Done():
			t.Stop()
			return nil, fmt.Errorf("waiting for the report: %w; the last answer: %w",
				context.Cause(ctx), err)
		}
		t.Stop()
	}
}

// final errors do not pass by waiting.
func final(err error) bool {
	var p *Problem
	if !errors.As(err, &p) {
		return errors.Is(err, ErrNotSignedIn) || errors.Is(err, ErrTooLong)
	}
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	case http.StatusNotFound:
		return p.Code() != "report-pending"
	}
	return true
}
