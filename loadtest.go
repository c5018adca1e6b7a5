package main

import "context"

type loadtestCommand struct{}

func (loadtestCommand) Run(context.Context, *streams) error { return errUsage }
