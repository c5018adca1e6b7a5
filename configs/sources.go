package configs

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readYAML sets the settings that a YAML document names.
func readYAML(b []byte, settings []setting) error {
	var document yaml.Node
	if err := yaml.Unmarshal(b, &document); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(document.Content) == 0 {
		return nil // an empty file
	}
	return readMapping("", document.Content[0], settings)
}

// readMapping sets the settings below prefix that a YAML mapping names.
func readMapping(prefix string, mapping *yaml.Node, settings []setting) error {
	if mapping.Kind == yaml.AliasNode {
		mapping = mapping.Alias
	}
	if mapping.Tag == "!!null" {
		return nil
	}
	if mapping.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: settings are written as key: value", mapping.Line)
	}
	seen := map[string]bool{}
	for pair := range slices.Chunk(mapping.Content, 2) {
		key, value := prefix+pair[0].Value, pair[1]
		if seen[key] {
			return fmt.Errorf("line %d: %s is set twice", pair[0].Line, key)
		}
		seen[key] = true
		if i := slices.IndexFunc(settings, func(s setting) bool {
			return s.Key == key
		}); i >= 0 {
			if err := value.Decode(settings[i].value.Addr().Interface()); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			continue
		}
		if !slices.ContainsFunc(settings, func(s setting) bool {
			return strings.HasPrefix(s.Key, key+".")
		}) {
			return fmt.Errorf("line %d: unknown setting %s", pair[0].Line, key)
		}
		if err := readMapping(key+".", value, settings); err != nil {
			return err
		}
	}
	return nil
}

// readEnvironment sets the settings that environment variables, given as KEY=value, name.
func readEnvironment(environ []string, settings []setting) error {
	vars := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		vars[name] = value
	}
	if err := unknownVariables(vars, settings); err != nil {
		return err
	}
	for _, s := range settings {
		if value := vars[s.Env]; value != "" {
			if err := s.set(value); err != nil {
				return fmt.Errorf("%s: %w", s.Env, err)
			}
		}
	}
	return nil
}

func unknownVariables(vars map[string]string, settings []setting) error {
	known := map[string]bool{"BEDSIDE_CONFIG": true}
	for _, s := range settings {
		known[s.Env] = true
	}
	var unknown []string
	for name := range vars {
		if strings.HasPrefix(name, "BEDSIDE_") && !known[name] && !testOnly(name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("unknown setting %s (README.md lists all settings)",
		strings.Join(unknown, ", "))
}

// testOnly reports whether a variable is for the project's own tests, not for the server.
func testOnly(name string) bool {
	return name == "BEDSIDE_BIN" || strings.HasPrefix(name, "BEDSIDE_TEST_")
}
