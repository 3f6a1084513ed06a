// Package cli is the command line of an app. It has the commands start, action, actions, routes, tasks, config, cert,
// console, doctor, version and help, and the commands that the app adds with [Command]. A program is usually one line:
//
//	func main() { cli.Main(builtin.All, actions.All) }
//
// Begin with [Main]. The commands `tasks` and `console` send requests to a running server over its control socket; the
// other commands need no running server. A program that needs no command line uses package server instead, and
// does not link package cli.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/supervise"
	"github.com/actionhero-go/actionhero/server"
)

// Main runs the command line of the process and then exits. After success, the exit code is 0. After an error, Main
// writes one sentence to standard error, and the exit code is 1; the command `action` has an exit code for each
// actionhero.Code. Commands read the configuration from the working
// directory and from environment variables.
func Main(parts ...actionhero.Part) {
	os.Exit(run(context.Background(), os.Stdout, os.Stderr, os.Args, &app{parts: parts, exits: true}))
}

// Run runs the command line in args. It works like [Main], but returns the exit code instead of exiting. args[0] is the
// name of the program. If ctx ends, the running command stops.
func Run(ctx context.Context, stdout, stderr io.Writer, args []string, parts ...actionhero.Part) int {
	return run(ctx, stdout, stderr, args, &app{parts: parts})
}

func run(ctx context.Context, stdout, stderr io.Writer, args []string, a *app) int {
	a.name = filepath.Base(args[0])
	root, err := a.root()
	if err == nil {
		root.SetOut(stdout)
		root.SetErr(stderr)
		root.SetArgs(args[1:])
		root.SetIn(a.stdin)
		err = root.ExecuteContext(ctx)
	}
	return reportError(stderr, err)
}

// reportError prints err to stderr and returns the exit code for it. Texts of clients may be in an error, so only the ends of
// its lines remain of its control characters.
func reportError(stderr io.Writer, err error) int {
	if exit, ok := errors.AsType[*supervise.ExitError](err); ok && exit.Text == "" {
		return exit.Code // the nodes or their supervisor have said why
	} else if ok {
		fmt.Fprintln(stderr, "Error:", printableLines(err.Error()))
		return exit.Code
	}
	if failed, ok := errors.AsType[*failure](err); ok {
		failed.print(stderr)
		return failed.code
	}
	if err != nil {
		fmt.Fprintln(stderr, "Error:", printableLines(err.Error()))
		return 1
	}
	return 0
}

// app is the state that the commands of one command line share.
type app struct {
	name     string // the name of the program
	parts    []actionhero.Part
	file     string    // the value of the flag --config
	socket   string    // of the server that commands ask, in place of the one of the configuration; console --offline
	stdin    io.Reader // nil: the one of the process
	atPrompt bool      // the commands are those of a console
	exits    bool      // the process ends with the command, so no signal ends it earlier
}

// line returns a command as it is written here: in a shell behind the name of the program, or at the prompt of a console.
func (a *app) line(command string) string {
	if a.atPrompt {
		return command
	}
	return a.name + " " + command
}

// root returns the root command of the command line, with all other commands as subcommands. It returns an error if a
// [Command] in the parts is invalid.
func (a *app) root() (*cobra.Command, error) {
	root := &cobra.Command{
		Use:   a.name,
		Short: "An API server: write an action once, every transport serves it",
		Long: "An API server: write an action once, and HTTP, HTTPS, TCP, WebSocket and Socket.IO serve it.\n\n" +
			"It reads config.json, config.yaml or config.toml in the working directory, and then the environment, which wins;\n" +
			"\"" + a.name + " config\" lists the settings.",
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.PersistentFlags().StringVar(&a.file, "config", "", "read this configuration file instead of the one in the working directory")
	root.AddCommand(a.start(), a.action(), a.actions(), a.routes(), a.events(), a.openapi(), a.asyncapi(), a.contract(), a.client(), a.config(), a.cert(), a.console(), a.doctor(), a.version(), (&taskCommands{app: a}).command())
	err := a.addCommands(root)
	explain(root)
	return root, err
}

// explain adds the remedy to the errors for wrong flags and wrong arguments of cmd and its subcommands.
func explain(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; \"%s --help\" lists the flags", err, cmd.CommandPath())
	})
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w; the usage is: %s", err, cmd.UseLine())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		explain(sub)
	}
}

// load reads the configuration from the file that the flag --config names, or else from the working directory.
// Environment variables override both.
func (a *app) load() (server.Config, error) {
	if a.file != "" {
		return server.LoadFile(a.file, a.parts...)
	}
	return server.Load(".", a.parts...)
}
