package main

import "fmt"

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(i *invocation) error {
	_, err := fmt.Fprintln(i.out, "bedside", i.version)
	return err
}
