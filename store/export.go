package store

import "time"

// ExportState is the progress of the job that makes an archive.
type ExportState string

// The states of an archive.
const (
	ExportQueued  ExportState = "queued"
	ExportRunning ExportState = "running"
	ExportReady   ExportState = "ready"
	ExportFailed  ExportState = "failed"
)

const (
	// ExportLifetime is how long an archive is kept.
	ExportLifetime = 7 * 24 * time.Hour
	// ExportStaleAfter is how long an archive may take before the user may request another.
	ExportStaleAfter = time.Hour
)

// Export is an archive (ZIP) of everything stored about a user. A job makes it on request.
type Export struct {
	ID        string
	UserID    string
	State     ExportState
	Progress  float64 // 0 to 1
	Bytes     int64
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Key returns the archive's key in the blob store.
func (e Export) Key() string { return "exports/" + e.UserID + "/" + e.ID + ".zip" }

// MakeExport is the job that makes an archive.
type MakeExport struct {
	ID     string `json:"id"`
	UserID string `json:"user_id"`
}

// Kind names the job.
func (MakeExport) Kind() string { return "export" }

// RemoveFiles is the job that removes files from the blob store.
type RemoveFiles struct {
	Keys []string `json:"keys"`
}

// Kind names the job.
func (RemoveFiles) Kind() string { return "remove-files" }

// PersonalFile is a file that a user may have a copy of: a recording of an attempt, or a picture
// or line that the user has uploaded.
type PersonalFile struct {
	AttemptID string // of a recording
	Speaker   Speaker
	MediaID   string // of a picture or line
	MediaKind MediaKind
	Key       string // in the blob store
}

// Name returns the name of the file in an archive.
func (f PersonalFile) Name() string {
	switch {
	case f.MediaID == "":
		return "recordings/" + f.AttemptID + "/" + string(f.Speaker) + ".ogg"
	case f.MediaKind == MediaLine:
		return "lines/" + f.MediaID + ".ogg"
	default:
		return "pictures/" + f.MediaID + ".jpg"
	}
}
