package api

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestOpenAPIDescribesOperationsCompletely(t *testing.T) {
	b, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenAPI()
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("two calls differ, %v", err)
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Tags        []string
			Responses   map[string]any
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) < 12 {
		t.Fatalf("version %s, %d paths", doc.OpenAPI, len(doc.Paths))
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.OperationID == "" || op.Summary == "" || len(op.Tags) == 0 ||
				len(op.Responses) < 2 {
				t.Errorf("%s %s: incomplete: %+v", method, path, op)
			}
		}
	}
}
