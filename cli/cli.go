// Package cli is the command line of an app: the commands start, actions, tasks, config, version and help, and those that
// the app adds with [Command]. A program is usually one line:
//
//	func main() { cli.Main(builtin.All, actions.All) }
//
// Begin with [Main]. The command tasks asks a running server over its control socket; all other commands run without one.
// A program that needs no command line uses package server instead, and does not link this one.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

// Main runs the command line of the process, and exits: with 0 after success, with 1 and one sentence on standard error
// after an error. Commands read the configuration in the working directory and in the environment.
func Main(parts ...actionhero.Part) {
	os.Exit(Run(context.Background(), os.Stdout, os.Stderr, os.Args, parts...))
}

// Run is [Main] for a command line of any kind, of which args[0] is the program. It returns the exit code. If ctx ends,
// the command stops.
func Run(ctx context.Context, stdout, stderr io.Writer, args []string, parts ...actionhero.Part) int {
	root, err := newRoot(filepath.Base(args[0]), parts)
	if err == nil {
		root.SetOut(stdout)
		root.SetErr(stderr)
		root.SetArgs(args[1:])
		err = root.ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "Error:", err)
		return 1
	}
	return 0
}

// app is the app of a command line.
type app struct {
	name  string // of the program
	parts []actionhero.Part
	file  string // the flag --config
}

// newRoot returns the command that has all others.
func newRoot(name string, parts []actionhero.Part) (*cobra.Command, error) {
	a := &app{name: name, parts: parts}
	root := &cobra.Command{
		Use:   name,
		Short: "An API server: write an action once, every transport serves it",
		Long: "An API server: write an action once, and HTTP, HTTPS, TCP, WebSocket and Socket.IO serve it.\n\n" +
			"It reads config.json, config.yaml or config.toml in the working directory, and then the environment, which wins;\n" +
			"\"" + name + " config\" lists the settings.",
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.PersistentFlags().StringVar(&a.file, "config", "", "read this configuration file instead of the one in the working directory")
	root.AddCommand(a.start(), a.actions(), a.config(), version(), (&taskCommands{app: a}).command())
	return root, a.addCommands(root)
}

// load returns the configuration.
func (a *app) load() (server.Config, error) {
	if a.file != "" {
		return server.LoadFile(a.file)
	}
	return server.Load(".")
}
