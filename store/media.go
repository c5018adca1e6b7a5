package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// MediaKind says what a medium is for, and so who may upload and see it.
type MediaKind string

// The kinds of media.
const (
	// MediaAvatar is the portrait of a user. Each user has at most one.
	MediaAvatar MediaKind = "avatar"
	// MediaScenario is a picture of scenarios.
	MediaScenario MediaKind = "scenario"
	// MediaLine is a recorded line of a patient.
	MediaLine MediaKind = "line"
)

// MediaSize names one of the files of a medium.
type MediaSize string

// The sizes. A picture has all three; a line has only the large one.
const (
	MediaSmall  MediaSize = "small"
	MediaMedium MediaSize = "medium"
	MediaLarge  MediaSize = "large"
)

// Media is an uploaded picture or sound, as the server has encoded it. Its files are in the blob
// store under the hash of their content, so that equal files of several media are one file there.
type Media struct {
	ID        string // UUID
	OwnerID   string // who uploaded it; empty when the account is gone, and for built-in media
	Kind      MediaKind
	Alt       string // what a picture shows, or what a line says
	Duration  time.Duration
	Loudness  float64 // of a line, in LUFS
	BuiltIn   bool    // came with the program
	Source    string  // of a built-in one: a hash of the file that it was made of
	Public    bool    // anybody may see it: built in, or the picture of a published scenario
	CreatedAt time.Time
	Files     []MediaFile // the large one last
	Uses      []MediaUse  // in lists and when it is deleted
}

// MediaFile is one file of a medium.
type MediaFile struct {
	Size          MediaSize
	Key           string // in the blob store
	Type          string // its Content-Type
	Bytes         int64
	Width, Height int
}

// MediaUse is a version of a scenario that refers to a medium, the latest that does.
type MediaUse struct {
	ScenarioID string
	Slug       string
	Title      string
	Version    int
}

// MediaQuota is how much one account may have uploaded.
type MediaQuota struct {
	Files int
	Bytes int64
}

// MediaFilter selects media, newest first.
type MediaFilter struct {
	Kind   MediaKind // empty: pictures of scenarios and lines
	Before string    // the id of the last medium of the page before; empty: the first page
	Limit  int
}

// MediaOrphanAge is the age at which a medium is deleted that nothing refers to.
const MediaOrphanAge = 24 * time.Hour

// RemoveMedia is the job that removes files from the blob store which no medium has any more.
type RemoveMedia struct {
	Keys []string `json:"keys"`
}

// Kind names the job.
func (RemoveMedia) Kind() string { return "remove-media" }

// SweepMedia is the periodic job that deletes media that nothing uses.
type SweepMedia struct{}

// Kind names the job.
func (SweepMedia) Kind() string { return "sweep-media" }

// mediaPrefix is what the keys of all files of media begin with.
const mediaPrefix = "media/"

// MediaPrefix returns what the keys of all files of media begin with.
func MediaPrefix() string { return mediaPrefix }

// MediaKey returns the key of a file by the SHA-256 hash of its content. ext is jpg or ogg.
func MediaKey(sum [32]byte, ext string) string {
	return mediaPrefix + hex.EncodeToString(sum[:]) + "." + ext
}

// ETag returns the strong entity tag of the file, which follows from its content.
func (f MediaFile) ETag() string {
	hash, _, _ := strings.Cut(strings.TrimPrefix(f.Key, mediaPrefix), ".")
	return `"` + hash[:min(32, len(hash))] + `"`
}

// File returns the file of a size, or the next larger one, or the largest.
func (m Media) File(size MediaSize) (MediaFile, bool) {
	order := []MediaSize{MediaSmall, MediaMedium, MediaLarge}
	found := false
	for _, s := range order {
		found = found || s == size
		for _, f := range m.Files {
			if found && f.Size == s {
				return f, true
			}
		}
	}
	if len(m.Files) == 0 {
		return MediaFile{}, false
	}
	return m.Files[len(m.Files)-1], true
}

// Bytes returns the length of all files.
func (m Media) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

// MaySee reports whether a user may see the medium: it is public, or the user's own, or one of
// the library and the user teaches, or the user administers.
func (m Media) MaySee(u User) bool {
	teaches := u.Role == RoleTutor || u.Role == RoleAdmin
	return m.Public || m.OwnerID != "" && m.OwnerID == u.ID || u.Role == RoleAdmin ||
		teaches && m.Kind != MediaAvatar
}

// MayDelete returns ErrNotFound when the user may not see the medium, ErrForbidden when it came
// with the program, and ErrState when a scenario uses it.
func (m Media) MayDelete(u User) error {
	owns := m.OwnerID != "" && m.OwnerID == u.ID
	teaches := u.Role == RoleTutor || u.Role == RoleAdmin
	switch {
	case m.BuiltIn && teaches:
		return fmt.Errorf("it came with the program: %w", ErrForbidden)
	case !owns && !(teaches && m.Kind != MediaAvatar) && u.Role != RoleAdmin:
		return fmt.Errorf("media: %w", ErrNotFound)
	case len(m.Uses) > 0:
		return fmt.Errorf("a scenario uses it: %w", ErrState)
	}
	return nil
}

// MayUpload reports whether a user may upload media of a kind: everybody a portrait, tutors and
// administrators the rest.
func (k MediaKind) MayUpload(u User) bool {
	return k == MediaAvatar || u.Role == RoleTutor || u.Role == RoleAdmin
}

// BuiltInPicture returns the id of the picture that comes with the program for the scenario with a
// slug: the same on every server. It is a UUID of version 8 that begins with zeros, so that lists,
// which are newest first, end with these pictures.
func BuiltInPicture(slug string) string {
	sum := sha256.Sum256([]byte("picture of " + slug))
	id := append(make([]byte, 6), sum[:10]...)
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	h := hex.EncodeToString(id)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// MediaPath returns the address of a medium on the server.
func MediaPath(id string) string { return "/api/media/" + id }
