package main

import "io"

// invocation is what a command gets from its caller: standard streams, environment variables
// (KEY=value), the version of the binary, and a channel that is closed when the user asks a second
// time that the command stop (nil: never). Tests bring their own.
type invocation struct {
	in       io.Reader
	out, err io.Writer
	env      []string
	version  string
	again    <-chan struct{}
}
