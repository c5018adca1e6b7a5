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
	Role      string `help:"What this process does: all, or some of api, media and speech, joined by commas." placeholder:"ROLE"`
	LogLevel  string `help:"debug, info, warn or error." placeholder:"LEVEL"`
	WithStdin bool   `help:"End when standard input ends: for a server that belongs to another program." name:"with-stdin"`
}

// settings are those in force: defaults, file, environment, then flags.
func (c serveCommand) settings(env []string) (configs.Config, error) {
	cfg, err := configs.Load(c.Config, env)
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Override(map[string]string{
		"data": c.Data, "listen": c.Listen, "role": c.Role, "log.level": c.LogLevel,
	})
}

func (c serveCommand) Run(ctx context.Context, s *streams) error {
	cfg, err := c.settings(s.env)
	if err != nil {
		return err
	}
	log := cfg.Log.Logger(s.err)
	if c.WithStdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			defer cancel()
			io.Copy(io.Discard, s.in) // an error ends it just as well
		}()
	}
	began := time.Now()
	app, err := Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	greet(s.out, cfg, app.URL(), time.Since(began))
	var failure error
	select {
	case <-ctx.Done():
		fmt.Fprintln(s.out, "Shutting down: telling rooms, flushing audio.")
	case failure = <-app.Failed():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return errors.Join(failure, app.Close(closing))
}

// greet says where to go next.
func greet(w io.Writer, cfg configs.Config, url string, took time.Duration) {
	fmt.Fprintf(w, "Bedside %s is listening on %s (role %s, data in %s, ready after %v)\n",
		version, url, cfg.Role, cfg.Data, took.Round(10*time.Millisecond))
	if !cfg.Demo || !cfg.Has("api") {
		return
	}
	fmt.Fprintf(w, "Demo accounts, password %s:\n", postgres.DemoPassword)
	for _, u := range postgres.DemoUsers() {
		fmt.Fprintf(w, "  %-24s %s\n", u.Email, u.Role)
	}
	fmt.Fprintln(w, "Press Ctrl-C to stop.")
}
