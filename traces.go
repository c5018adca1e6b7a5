package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// openTraces begins to send spans to an OpenTelemetry collector, when there is one. What it
// cannot send is dropped, and said once in a while. The collector's further settings
// (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER and so on) are the library's own.
func (a *App) openTraces(ctx context.Context) error {
	if a.cfg.Server.OTLPEndpoint == "" {
		return nil
	}
	endpoint, err := url.JoinPath(a.cfg.Server.OTLPEndpoint, "v1", "traces")
	if err != nil {
		return fmt.Errorf("otlp_endpoint: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint),
		otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return fmt.Errorf("otlp_endpoint: %w", err)
	}
	who, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "bedside"),
			attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// The library tells of failures in no other way.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		a.log.Warn("traces", "error", err)
	}))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(who))
	a.tracer = provider.Tracer("bedside/api")
	a.onClose("traces", func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		if err := provider.Shutdown(limited); err != nil {
			// which is no reason to end badly
			a.log.Warn("the last traces were not sent", "error", err)
		}
		return nil
	})
	return nil
}
