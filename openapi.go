package main

import (
	"fmt"

	"bedside/api"
)

type openapiCommand struct{}

// Run prints the OpenAPI document.
func (openapiCommand) Run(i *invocation) error {
	b, err := api.OpenAPI()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(i.out, string(b))
	return err
}
