// Command bedside is a practice platform for the OET speaking test: server, headless participants
// and tools in one binary.
package main

import (
	"bedside/configs"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "unknown"

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
	Loadtest loadtestCommand `cmd:"" help:"Fill rooms with headless participants and measure the media path."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database's tables up to date and stop."`
	Openapi  openapiCommand  `cmd:"" help:"Print the REST interface as OpenAPI 3.1."`
	Doctor   doctorCommand   `cmd:"" help:"Say what is installed, what is missing, and what is used for each part."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// streams are a command's standard streams and environment; tests bring their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
	env      []string
}

type versionCommand struct{}

func (versionCommand) Run(s *streams) error {
	_, err := fmt.Fprintln(s.out, "bedside", version)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], &streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ(),
	})
	stop()
	os.Exit(code)
}

// run parses args, runs the command and gives its exit code.
func run(ctx context.Context, args []string, s *streams) int {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("bedside"),
		kong.Description("A self-hosted practice platform for the OET speaking test."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exited = code }),
		kong.Bind(s),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(s.err, "bedside:", err)
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
		fmt.Fprintf(s.err, "bedside: %v (see bedside --help)\n", err)
		return exitUsage
	}
	switch err := command.Run(); {
	case err == nil:
		return exitDone
	case errors.Is(err, errUsage), errors.Is(err, configs.ErrFlags):
		fmt.Fprintln(s.err, "bedside:", err)
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(s.err, "bedside: interrupted")
		return exitFailed
	default:
		fmt.Fprintln(s.err, "bedside:", err)
		return exitFailed
	}
}

// errUsage marks mistakes in how a command was called.
var errUsage = errors.New("wrong usage")
