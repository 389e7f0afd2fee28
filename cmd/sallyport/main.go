// Command sallyport is a single sign-on provider in one file: the server, and what its operator needs beside it.
//
// To add a command, write NAME.go with a struct that has a Run method, and add a line to commands below. Run takes
// whatever it needs of context.Context and *process; a command that needs the configuration embeds settings and calls
// its load.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the whole command line.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run the provider."`
	Demo        demoCommand        `cmd:"" help:"Run a provider with two products and an inbox, to try it out."`
	Apply       applyCommand       `cmd:"" help:"Bring companies, people and products to the state a file declares."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database to this version's schema."`
	Client      clientCommand      `cmd:"" help:"Products: create, list, rotate-secret, delete, invite."`
	User        userCommand        `cmd:"" help:"People: create, invite, list, disable, enable, unlock, reset-2fa, recovery-code, setup-link."`
	Explain     explainCommand     `cmd:"" help:"Say what a sign-in would be asked for, and why."`
	Audit       auditCommand       `cmd:"" help:"The audit: verify, export."`
	Keys        keysCommand        `cmd:"" help:"Signing keys: list, rotate."`
	Config      configCommand      `cmd:"" help:"Check or show the configuration."`
	SendTest    sendTestCommand    `cmd:"" help:"Send a test mail or text message, to see whether they arrive."`
	Outbox      outboxCommand      `cmd:"" help:"Show how mails, text messages and logouts are faring."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the running server whether it is well."`
	Version     versionCommand     `cmd:"" help:"Show the version."`
}

// process is what the operating system gave this process.
type process struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
	// flags are the options of the configuration that were given as arguments, by config.Option.Flag.
	flags map[string]string
}

// usageError is a command line that could not be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends a process that is slow to stop
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(report(os.Stderr, err))
}

// run does what args ask for.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) error {
	p := &process{environ: environ, stdin: stdin, stdout: stdout, stderr: stderr, flags: map[string]string{}}
	helped := false
	parser, err := kong.New(&commands{},
		kong.Name("sallyport"),
		kong.Description("Single sign-on with a second door: an OpenID Connect provider that asks for two-step verification where it is due."),
		kong.Writers(stdout, stderr),
		// Kong exits after it has printed help; here only run's caller does.
		kong.Exit(func(int) { helped = true }),
		kong.NamedMapper("option", optionMapper{p.flags}),
		kong.ValueFormatter(describe),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
	)
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	command, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	return command.Run()
}

// report tells the operator what went wrong, if something did, and returns the exit code: 0 for success, 1 for failure,
// 2 for a command line that could not be understood.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(w, "sallyport: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintln(w, "Run sallyport --help to see what there is.")
		return 2
	}
	return 1
}
