package main

import (
	"io"

	"bedside/configs"
)

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

// settings returns the configuration: the file at path (empty: none), the environment, and flags
// by the names of their settings, which go first.
func (i *invocation) settings(path string, flags map[string]string) (configs.Config, error) {
	cfg, err := configs.Load(path, i.env)
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Override(flags)
}
