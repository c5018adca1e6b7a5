package httpx

import (
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Slice describes one part of the API: its operations, how the documentation groups them, and
// what happens to the data it owns when an account is deleted. api lists every slice once; the
// OpenAPI document and DESIGN.md's tables follow from the list.
type Slice struct {
	Tag         string // the OpenAPI tag of operations that name none themselves
	Description string // of the tag
	Routes      func(huma.API)
	Tables      []store.TableRule // the database tables that the slice owns
	Files       []store.FileRule  // the kinds of files that the slice owns
}

// Register adds the slice's tag and its operations to an API.
func (s Slice) Register(api huma.API) {
	doc := api.OpenAPI()
	doc.Tags = append(doc.Tags, &huma.Tag{Name: s.Tag, Description: s.Description})
	group := huma.NewGroup(api)
	group.UseSimpleModifier(func(op *huma.Operation) {
		if len(op.Tags) == 0 {
			op.Tags = []string{s.Tag}
		}
	})
	s.Routes(group)
}
