package scenarios

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
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
	b, err := json.Marshal([]any{cacheFormat, generation, asked})
	if err != nil {
		return CacheHeaders{}, err
	}
	sum := sha256.Sum256(b)
	h := CacheHeaders{
		CacheControl: "public, no-cache", Vary: "Authorization",
		ETag: `W/"` + hex.EncodeToString(sum[:12]) + `"`,
	}
	if matches(ifNoneMatch, h.ETag) {
		return h, notModified(h.CacheControl, h.ETag, h.Vary)
	}
	return h, nil
}

// matches reports whether an If-None-Match header has a tag.
func matches(ifNoneMatch, tag string) bool {
	for one := range strings.SplitSeq(ifNoneMatch, ",") {
		if strings.TrimSpace(one) == tag {
			return true
		}
	}
	return false
}

// notModified returns the status 304, with the headers that the answer would have had.
func notModified(cacheControl, tag, vary string) error {
	h := http.Header{"Cache-Control": {cacheControl}, "Etag": {tag}}
	if vary != "" {
		h.Set("Vary", vary)
	}
	return huma.ErrorWithHeaders(huma.Status304NotModified(), h)
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
