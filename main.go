// Command bedside is a practice platform for the OET speaking test (Occupational English Test, for
// health professionals). One binary holds the server, headless participants and tools.
//
// main.go is the grammar of the command line, and each command has a file of its own. app.go opens
// the parts of a server in order; stores.go, media.go, handler.go and jobs.go connect them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"bedside/configs"
	"bedside/signaling/client/rehearsal"

	"github.com/alecthomas/kong"
)

// buildVersion is set by the linker.
var buildVersion = "unknown"

// Exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Serve    serveCommand    `cmd:"" help:"Run the server; with no configuration at all it brings everything it needs."`
	Rehearse rehearseCommand `cmd:"" help:"Play a whole role play without a browser: speak an audio file, wait for the report, print it."`
	Partner  partnerCommand  `cmd:"" help:"Join an attempt as the patient and speak an audio file."`
	Analyze  analyzeCommand  `cmd:"" help:"Measure the speech in a WAV or Ogg Opus file."`
	Converse converseCommand `cmd:"" help:"Talk to the automatic patient by typing."`
	Hear     hearCommand     `cmd:"" help:"Tell what the automatic patient would understand of audio files."`
	Models   modelsCommand   `cmd:"" help:"Install models that hear better than the recogniser that is built in."`
	Train    trainCommand    `cmd:"" help:"Adapt the built-in recogniser to speakers."`
	Loadtest loadtestCommand `cmd:"" help:"Fill rooms with headless participants and measure the media path."`
	Scenario scenarioCommand `cmd:"" help:"Check scenarios that somebody writes as files."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database's tables up to date and stop."`
	Seed     seedCommand     `cmd:"" help:"Fill a database with invented users and attempts, to try and to measure."`
	Retry    retryCommand    `cmd:"" help:"Analyse an attempt again whose analysis failed, and tell the outcome."`
	Admin    adminCommand    `cmd:"" help:"Create administrators."`
	Openapi  openapiCommand  `cmd:"" help:"Print the REST interface as OpenAPI 3.1."`
	Doctor   doctorCommand   `cmd:"" help:"List what is installed, what is missing, and what each part uses."`
	Trial    sherpaTrial     `cmd:"" hidden:"" name:"try-sherpa" help:"Load a model for sherpa-onnx."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

func main() {
	ctx, again := untilSignal(context.Background())
	os.Exit(runCommand(ctx, os.Args[1:], &invocation{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ(), version: buildVersion,
		again: again,
	}))
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM, and a channel that is
// closed with the second. The process ends before the goroutine that waits for them.
func untilSignal(parent context.Context) (ctx context.Context, again <-chan struct{}) {
	ctx, cancel := context.WithCancel(parent)
	signals, second := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		close(second)
	}()
	return ctx, second
}

// runCommand parses args, runs the command and returns its exit code.
func runCommand(ctx context.Context, args []string, i *invocation) int {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("bedside"),
		kong.Description("A self-hosted practice platform for the OET speaking test."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(i.out, i.err),
		kong.Exit(func(code int) { exited = code }),
		kong.Bind(i),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(i.err, "bedside:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help was asked for
		return exited
	}
	if err != nil {
		fmt.Fprintf(i.err, "bedside: %v (see bedside --help)\n", err)
		return exitUsage
	}
	switch err := command.Run(); {
	case err == nil:
		return exitDone
	case errors.Is(err, rehearsal.ErrUsage), errors.Is(err, configs.ErrFlags):
		fmt.Fprintln(i.err, "bedside:", err)
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(i.err, "bedside: interrupted")
		return exitFailed
	default:
		fmt.Fprintln(i.err, "bedside:", err)
		return exitFailed
	}
}
