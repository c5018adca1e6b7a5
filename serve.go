package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"bedside/configs"
	"bedside/store/postgres"
)

type serveCommand struct {
	Config    string `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Data      string `help:"Folder that holds all state (default: ./data)." placeholder:"DIR"`
	Listen    string `help:"HTTP address (default: 127.0.0.1:8080)." placeholder:"HOST:PORT"`
	Role      string `help:"What this process does: all, or a comma-separated list of api, media and speech." placeholder:"ROLE"`
	LogLevel  string `help:"debug, info, warn or error." placeholder:"LEVEL"`
	WithStdin bool   `help:"Stop when standard input ends: for a server that another program starts." name:"with-stdin"`
}

// Run serves until ctx ends, a part fails or, with --with-stdin, standard input ends.
func (c serveCommand) Run(ctx context.Context, i *invocation) error {
	cfg, err := configs.Load(c.Config, i.env)
	if err != nil {
		return err
	}
	if err := cfg.Override(map[string]string{
		"data": c.Data, "listen": c.Listen, "role": c.Role, "log.level": c.LogLevel,
	}); err != nil {
		return err
	}
	if c.WithStdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			defer cancel()
			io.Copy(io.Discard, i.in) // a read error ends the server as well
		}()
	}
	began := time.Now()
	app, err := openApp(ctx, cfg, i.version, cfg.Log.Logger(i.err))
	if err != nil {
		return err
	}
	fmt.Fprintf(i.out, "Bedside %s is listening on %s (role %s, data in %s, ready after %v)\n",
		i.version, app.URL(), cfg.Role, cfg.Data, time.Since(began).Round(10*time.Millisecond))
	if cfg.Has("api") {
		printDemoAccounts(cfg, i.out)
	}
	var failure error
	select {
	case <-ctx.Done():
		fmt.Fprintln(i.out, "Shutting down: ending rooms, flushing audio.")
	case failure = <-app.Failed():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return errors.Join(failure, app.Close(closing))
}

// printDemoAccounts lists the demo accounts, or says why there are none.
func printDemoAccounts(cfg configs.Config, w io.Writer) {
	switch {
	case !cfg.HasDemo() && cfg.Demo == "auto":
		fmt.Fprintln(w, "There are no demo accounts, since others than this machine can reach the "+
			"server. To have them all the same, set BEDSIDE_DEMO=true.")
		return
	case !cfg.HasDemo():
		return
	case !cfg.LocalOnly():
		fmt.Fprintln(w, "WARNING: everybody who reaches this server can sign in with the demo "+
			"accounts, also as an administrator, because demo is set.")
	}
	fmt.Fprintf(w, "Demo accounts, password %s:\n", postgres.DemoPassword)
	for _, u := range postgres.DemoUsers() {
		fmt.Fprintf(w, "  %-24s %s\n", u.Email, u.Role)
	}
	fmt.Fprintln(w, "Press Ctrl-C to stop.")
}
