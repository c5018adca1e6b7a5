package scenario

import (
	"embed"
	"fmt"

	"bedside/store"
)

// shared holds the moves that dialogues may use: what candidates say in any consultation.
//
//go:embed moves/*.yaml
var shared embed.FS

// Moves returns the shared moves that a dialogue names in its key use, such as moves/common: YAML
// with the keys intents and effects of a dialogue. It returns store.ErrNotFound when there are no
// such moves.
func Moves(name string) ([]byte, error) {
	data, err := shared.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("there are no shared moves %q: %w", name, store.ErrNotFound)
	}
	return data, nil
}
