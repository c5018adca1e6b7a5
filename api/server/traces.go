package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Traces sends spans to an OpenTelemetry collector. The caller that opened it closes it. A nil
// Traces, of a server without a collector, has no tracer.
type Traces struct {
	provider *sdktrace.TracerProvider
	log      *slog.Logger
}

// OpenTraces begins to send spans to the collector at endpoint. It returns nil when endpoint is
// empty. Spans that cannot be sent are dropped, and the failure is logged. The library itself
// reads further settings of the collector from the environment, such as OTEL_EXPORTER_OTLP_HEADERS
// and OTEL_TRACES_SAMPLER.
func OpenTraces(ctx context.Context, endpoint, version string, log *slog.Logger) (*Traces, error) {
	if endpoint == "" {
		return nil, nil
	}
	endpoint, err := url.JoinPath(endpoint, "v1", "traces")
	if err != nil {
		return nil, fmt.Errorf("otlp_endpoint: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint),
		otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("otlp_endpoint: %w", err)
	}
	attributes, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "bedside"),
			attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// The library reports failures only through this global handler.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("traces", "error", err)
	}))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(attributes))
	return &Traces{provider, log}, nil
}

// Tracer returns the tracer that makes the spans, or nil without a collector.
func (t *Traces) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer("bedside/api")
}

// Close sends the spans that are left, for three seconds at most. A failure is logged and not
// returned, so that a server whose collector is down ends normally.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := t.provider.Shutdown(limited); err != nil {
		t.log.Warn("the last traces were not sent", "error", err)
	}
	return nil
}
