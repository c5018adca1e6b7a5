package sherpa

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"bedside/speech/asr"
)

// Config configures a Recogniser.
type Config struct {
	Library string `key:"speech.sherpa_library" env:"BEDSIDE_SHERPA_LIBRARY" doc:"the engine of sherpa-onnx, libsherpa-onnx-c-api.so of the npm package sherpa-onnx-linux-x64 or -arm64; empty: where npm install has put it"`
	Model   string `key:"speech.sherpa_model" env:"BEDSIDE_SHERPA_MODEL" doc:"folder of a streaming model for sherpa-onnx, or the name of one that bedside models has installed; empty: the installed one"`

	// Installed is the folder with the models that were installed, each in a folder of its name.
	Installed string
	// Try is the command that tries an engine and a model in a process of its own: it gets their
	// two paths as arguments, and calls Try.
	Try []string
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{} }

// engineName is the file name of the engine.
const engineName = "libsherpa-onnx-c-api.so"

// library returns the path of the engine. The error wraps asr.ErrNotSet when it is not installed.
func (c Config) library() (string, error) {
	if c.Library != "" {
		if _, err := os.Stat(c.Library); err != nil {
			return "", fmt.Errorf("speech.sherpa_library: %w", err)
		}
		return filepath.Abs(c.Library)
	}
	for _, dir := range c.places() {
		path := filepath.Join(dir, engineName)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("the npm package %s: %w", npmPackage(), asr.ErrNotSet)
}

func npmPackage() string {
	return "sherpa-onnx-linux-" + map[bool]string{true: "arm64", false: "x64"}[runtime.GOARCH ==
		"arm64"]
}

// places are the folders in which npm puts the engine: beside the models, or globally. The current
// folder is not one of them: whoever can write there could run code.
func (c Config) places() []string {
	var list []string
	if c.Installed != "" {
		list = append(list, filepath.Join(c.Installed, "node_modules", npmPackage()))
	}
	for _, prefix := range []string{"/usr/local/lib", "/usr/lib"} {
		list = append(list, filepath.Join(prefix, "node_modules", npmPackage()),
			filepath.Join(prefix, "node_modules/sherpa-onnx-node/node_modules", npmPackage()))
	}
	return list
}

// model returns the folder of the model. The error wraps asr.ErrNotSet when there is none.
func (c Config) model() (string, error) {
	switch {
	case c.Model == "":
		return c.installed()
	case filepath.IsLocal(c.Model) && c.Installed != "":
		if dir := filepath.Join(c.Installed, c.Model); isFolder(dir) {
			return dir, nil
		}
	}
	if !isFolder(c.Model) {
		return "", fmt.Errorf("speech.sherpa_model: %s is neither a folder nor the name of "+
			"an installed model", c.Model)
	}
	return filepath.Abs(c.Model)
}

// installed returns the folder of the one model that is installed.
func (c Config) installed() (string, error) {
	var found []string
	for _, dir := range glob(c.Installed, "*") {
		if _, err := readFolder(dir); err == nil {
			found = append(found, dir)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("speech.sherpa_model: %w", asr.ErrNotSet)
	case 1:
		return found[0], nil
	}
	return "", errors.New("speech.sherpa_model: several models are installed: name one")
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// glob returns the files in a folder whose names match a pattern, in alphabetical order.
func glob(dir, pattern string) []string {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var list []string
	for _, e := range entries {
		if ok, err := filepath.Match(pattern, e.Name()); ok && err == nil {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list
}
