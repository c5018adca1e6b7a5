//go:build !linux

package sherpa

import "errors"

var errSystem = errors.New("sherpa-onnx is used on Linux only")

// engine is not available on this system.
type engine struct{ version string }

func load(string, files) (*engine, error) { return nil, errSystem }

func (*engine) free() {}

func (*engine) open() (*decoding, error) { return nil, errSystem }

type decoding struct{ decoded int }

func (*decoding) free()                   {}
func (*decoding) write([]float32)         {}
func (*decoding) end() (string, error)    { return "", errSystem }
func (*decoding) result() (string, error) { return "", errSystem }
