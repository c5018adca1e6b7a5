package api

import (
	"context"
	"net/http"

	"bedside/api/httpx"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// tracing records a span for each request. Without a tracer it does nothing. Like the log, a span
// contains no queries, bodies or headers.
type tracing struct{ tracer trace.Tracer }

// begin starts the request's span, as a child of the client's span if there is a traceparent
// header.
func (t tracing) begin(r *http.Request) (context.Context, trace.Span) {
	if t.tracer == nil {
		return r.Context(), nil
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return t.tracer.Start(ctx, methodOf(r), trace.WithSpanKind(trace.SpanKindServer))
}

func (t tracing) end(r *http.Request, span trace.Span, route string, status int) {
	if span == nil {
		return
	}
	span.SetName(methodOf(r) + " " + route)
	span.SetAttributes(
		attribute.String("http.request.method", methodOf(r)),
		attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status),
		attribute.String("url.scheme", scheme(r)),
	)
	if info := httpx.RequestFrom(r.Context()); info != nil {
		span.SetAttributes(attribute.String("request.id", info.ID),
			attribute.String("client.address", info.IP))
		user, err := info.Outcome()
		if user != "" {
			span.SetAttributes(attribute.String("user.id", user))
		}
		if err != nil && status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, err.Error())
		}
	}
	if status >= http.StatusInternalServerError {
		span.SetAttributes(attribute.Int("error.type", status))
	}
	span.End()
}

func scheme(r *http.Request) string {
	if info := httpx.RequestFrom(r.Context()); info != nil && info.Secure {
		return "https"
	}
	return "http"
}
