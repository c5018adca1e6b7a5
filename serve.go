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

// Help returns the text that --help adds to the description.
func (serveCommand) Help() string {
	return "Ctrl-C or SIGTERM stops the server once its live role plays have ended, and after " +
		"media.drain (8 minutes) at the latest. A second one stops it now. Role plays that are " +
		"live then go on at another server, or at this one when it is back, with the time that " +
		"was left."
}

// Run serves until ctx ends, a part fails or, with --with-stdin, standard input ends. Only the end
// of ctx lets live role plays finish.
func (c serveCommand) Run(ctx context.Context, i *invocation) error {
	cfg, err := i.settings(c.Config, map[string]string{
		"data": c.Data, "listen": c.Listen, "role": c.Role, "log.level": c.LogLevel,
	})
	if err != nil {
		return err
	}
	var inputEnded chan struct{} // nil: never
	if c.WithStdin {
		inputEnded = make(chan struct{})
		go func() {
			defer close(inputEnded)
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
		failure = drain(app, cfg, i, inputEnded)
	case <-inputEnded:
	case failure = <-app.Failed():
	}
	if live, _ := app.Live(); live > 0 {
		is, _ := describe(live)
		fmt.Fprintf(i.out, "Shutting down. %s still live: another server continues, or this one "+
			"when it is back.\n", is)
	} else {
		fmt.Fprintln(i.out, "Shutting down.")
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	return errors.Join(failure, app.Close(closing))
}

// drain waits until the live role plays have ended, media.drain has passed, or the user or the
// program that has started the server asks for a stop at once. It says what it waits for. After
// the role plays it goes on for answerTime; so it does without any in a process to which a load
// balancer may send requests. It returns the error of a part that fails meanwhile.
func drain(app *App, cfg configs.Config, i *invocation, now <-chan struct{}) error {
	app.Drain()
	limit := cfg.Signaling.Drain
	live, changed := app.Live()
	if limit <= 0 || live == 0 && !cfg.Balanced() {
		return nil
	}
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	last := "No role play is live; stopping in %v, so that load balancers see that.\n"
	if live > 0 {
		is, them := describe(live)
		fmt.Fprintf(i.out, "%s live; waiting for %s up to %s; press Ctrl-C again to stop now.\n",
			is, them, inMinutes(limit))
		last = "All role plays have ended; stopping in %v, once their reports are shown.\n"
	}
	for live > 0 {
		select {
		case <-changed:
		case <-deadline.C:
			return nil
		case <-i.again:
			return nil
		case <-now:
			return nil
		case err := <-app.Failed():
			return err
		}
		before := live
		if live, changed = app.Live(); live > 0 && live < before {
			is, _ := describe(live)
			fmt.Fprintf(i.out, "%s still live.\n", is)
		}
	}
	fmt.Fprintf(i.out, last, answerTime)
	select {
	case <-time.After(answerTime):
	case <-deadline.C:
	case <-i.again:
	case <-now:
	case err := <-app.Failed():
		return err
	}
	return nil
}

// answerTime is how long a server that drains still answers without a live role play: people see
// the report that they were just told of, and load balancers see that it is not ready.
const answerTime = 3 * time.Second

// inMinutes spells a time for people.
func inMinutes(d time.Duration) string {
	if d%time.Minute != 0 {
		return d.String()
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

// describe returns the beginning of a sentence about live role plays, and the pronoun for them.
func describe(live int) (is, them string) {
	if live == 1 {
		return "1 role play is", "it"
	}
	return fmt.Sprintf("%d role plays are", live), "them"
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
