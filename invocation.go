package main

import "io"

// invocation is what a command gets from its caller: standard streams, environment variables
// (KEY=value) and the version of the binary. Tests bring their own.
type invocation struct {
	in       io.Reader
	out, err io.Writer
	env      []string
	version  string
}
