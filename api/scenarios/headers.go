package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// CacheHeaders are the headers of an answer that a browser or a proxy may keep. They are empty in
// an answer to somebody who is signed in, which nobody keeps.
type CacheHeaders struct {
	CacheControl string `header:"Cache-Control"`
	ETag         string `header:"ETag"`
	Vary         string `header:"Vary"`
}

// public returns the headers of an answer to guests, or the status 304 when the client has it. The
// answer follows from the generation of the catalogue and what was asked. It may be kept, but is
// used again only after the server has said that it is still the same.
func public(generation string, asked any, ifNoneMatch string) (CacheHeaders, error) {
	b, err := json.Marshal([]any{generation, asked})
	if err != nil {
		return CacheHeaders{}, err
	}
	sum := sha256.Sum256(b)
	h := CacheHeaders{
		CacheControl: "public, no-cache", Vary: "Authorization",
		ETag: `W/"` + hex.EncodeToString(sum[:12]) + `"`,
	}
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		if strings.TrimSpace(tag) == h.ETag {
			return h, huma.ErrorWithHeaders(huma.Status304NotModified(), map[string][]string{
				"Cache-Control": {h.CacheControl}, "ETag": {h.ETag}, "Vary": {h.Vary},
			})
		}
	}
	return h, nil
}

// badPage adds a detail to store.ErrInvalid of a list.
func badPage(err error) error {
	if errors.Is(err, store.ErrInvalid) {
		return httpx.Invalid("query.before",
			"This is not the next of a page in this order. Begin with the first page.")
	}
	return err
}

// etag returns the ETag of a version of a scenario.
func etag(version int) string { return `"v` + strconv.Itoa(version) + `"` }
