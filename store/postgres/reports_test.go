package postgres_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"testing"
	"time"

	"bedside/store"
)

// The document is a report as it was stored before reports had a version.
func TestStoredReportWithoutVersionIsReadable(t *testing.T) {
	document, err := os.ReadFile("../testdata/report-without-version.json")
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if _, err := z.Write(document); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	if err := execSQL(t, db.Cluster.URL(),
		"INSERT INTO reports (attempt_id, created_at, body) VALUES ($1, $2, $3)", a.ID, time.Now(),
		body.Bytes()); err != nil {
		t.Fatal(err)
	}
	r, err := db.Report(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	// The attempt has no recordings, so the report must not refer to any.
	if r.SchemaVersion != store.ReportVersion || len(r.Speakers) != 2 ||
		r.Speakers[0].Analysis.Measures.SyllableCount != 23 || r.Speakers[0].Recording != nil {
		t.Errorf("version %d, %d speakers", r.SchemaVersion, len(r.Speakers))
	}
}
