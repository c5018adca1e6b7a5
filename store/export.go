package store

import "time"

// ExportState is where the making of an archive stands.
type ExportState string

// The states of an archive.
const (
	ExportQueued  ExportState = "queued"
	ExportRunning ExportState = "running"
	ExportReady   ExportState = "ready"
	ExportFailed  ExportState = "failed"
)

const (
	// ExportLife is for how long an archive is kept.
	ExportLife = 7 * 24 * time.Hour
	// ExportPatience is for how long an archive may be in the making before another may be asked
	// for.
	ExportPatience = time.Hour
)

// Export is an archive of what is kept of a user. It is made by a job.
type Export struct {
	ID        string
	UserID    string
	State     ExportState
	Progress  float64 // 0 to 1
	Bytes     int64
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Key is where the archive is in the blob store.
func (e Export) Key() string { return "exports/" + e.UserID + "/" + e.ID + ".zip" }

// MakeExport is the job of making an archive.
type MakeExport struct {
	ID     string `json:"id"`
	UserID string `json:"user_id"`
}

// Kind names the job.
func (MakeExport) Kind() string { return "export" }

// RemoveFiles is the job of removing files from the blob store.
type RemoveFiles struct {
	Keys []string `json:"keys"`
}

// Kind names the job.
func (RemoveFiles) Kind() string { return "remove-files" }

// PersonalFile is a file of a user's.
type PersonalFile struct {
	AttemptID string
	Speaker   Speaker
	Key       string
}
