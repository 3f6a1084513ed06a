package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
)

// part is an [actionhero.Part] that registers nothing with an API. A struct that embeds part is an [actionhero.Part]
// too.
type part = actionhero.Parts

var _ = Command{}.part // the embedded part makes a Command an actionhero.Part

// Command is a command that an app adds to its command line: APP NAME [flags] [args]. Pass it to [Main] together with
// the parts of the app, directly or in a nested list of parts.
type Command struct {
	part

	Name     string                                    // required; one word
	Aliases  []string                                  // further names; default: none
	Short    string                                    // one line for the list of commands
	Long     string                                    // for the help of the command; default: Short
	Args     string                                    // the arguments in the help, such as "FILE..."; default: the command takes no arguments
	Flags    func(flags *flag.FlagSet)                 // declares the flags, but not config, help or h; default: none
	NoConfig bool                                      // run without reading the configuration, so that Env.Config is zero; default: false
	Commands []Command                                 // subcommands, for example "list" of "app users list"; default: none
	Run      func(ctx context.Context, env *Env) error // required without Commands; SIGINT or SIGTERM cancels ctx, a second signal ends the process
}

// Env holds the arguments, the standard streams and the configuration of a running [Command].
type Env struct {
	Args           []string // without the name of the command and without flags
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Config         server.Config // from the configuration file and the environment; zero with NoConfig
	ConfigFile     string        // the flag --config; empty if it is not given

	parts []actionhero.Part
	stops []func(context.Context) error // of the servers and APIs
}

// Server returns a new server, made from Config and the parts of the app. The server is not started: no port is open,
// the backend is not open and no initializer has started. Call the methods Start and Stop of the server to start and
// stop it. The log of the server goes to Stderr unless Config.General.Log is set, because the log file belongs to the
// running server.
func (e *Env) Server() (*server.Server, error) {
	cfg, err := e.logged()
	if err != nil {
		return nil, err
	}
	s, err := server.New(cfg, e.parts...)
	if err == nil {
		e.stops = append(e.stops, s.Stop)
	}
	return s, err
}

// API returns a new API, made from Config and the parts of the app, that has no transports and no worker: after Start, it
// listens on no port and runs no enqueued job. So a command can run actions and tasks next to a server of the same
// cluster. Everything else is as for [Env.Server]. A running server with the embedded backend has the folder of the
// tasks, and Start then returns an error at once.
func (e *Env) API() (*actionhero.API, error) {
	cfg, err := e.logged()
	if err != nil {
		return nil, err
	}
	if cfg.Clustered() { // the configuration has the id of a server
		host, _ := os.Hostname()
		cfg.General.ID = fmt.Sprintf("%s:cli:%d:%s", host, os.Getpid(), rand.Text()[:8])
	}
	api, err := server.NewAPI(cfg, e.parts...)
	if err == nil {
		e.stops = append(e.stops, api.Stop)
		transport.Of(api).AddOutermost(folderCheck{cfg})
	}
	return api, err
}

// logged returns Config with a log on Stderr, unless it has one already.
func (e *Env) logged() (server.Config, error) {
	cfg := e.Config
	if cfg.General.Log != nil {
		return cfg, nil
	}
	console := cfg.Log.Logging == nil || *cfg.Log.Logging
	log, _, err := logging.New(logging.Config{Level: cfg.Log.Level, Format: cfg.Log.Format, Console: console, Output: e.Stderr})
	if err != nil {
		return cfg, fmt.Errorf("the log cannot be opened: %w", err)
	}
	cfg.General.Log = log
	return cfg, nil
}

// folderCheck is a component that starts before the backend. It returns an error if a server has the folder of the tasks:
// the backend would wait for the end of that server.
type folderCheck struct{ cfg server.Config }

// Start implements actionhero.Component.
func (f folderCheck) Start(ctx context.Context) error {
	socket := f.cfg.Tasks.ControlSocket()
	if f.cfg.Clustered() || socket == "" || !control.Answers(ctx, socket) {
		return nil
	}
	return fmt.Errorf("a server runs here and has the cache and the tasks (%s): stop it first, or run the action in that server, as \"action --running NAME\" does", f.cfg.Tasks.Folder())
}

// Stop implements actionhero.Component.
func (folderCheck) Stop(context.Context) error { return nil }

// command returns the cobra command that loads the configuration, calls c.Run and then stops the servers that c.Run
// made. A command that has only subcommands prints its help.
func (a *app) command(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: strings.TrimSpace(c.Name + " " + c.Args), Aliases: c.Aliases, Short: c.Short, Long: c.Long, Args: cobra.ArbitraryArgs}
	if c.Args == "" {
		cmd.Args = cobra.NoArgs
	}
	if c.Flags != nil {
		flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
		c.Flags(flags)
		cmd.Flags().AddGoFlagSet(flags)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if c.Run == nil {
			return cmd.Help()
		}
		var cfg server.Config
		if !c.NoConfig {
			if cfg, err = a.load(); err != nil {
				return err
			}
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop) // the next signal has its default effect
		env := &Env{Args: args, Stdin: cmd.InOrStdin(), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Config: cfg, ConfigFile: a.file, parts: a.parts}
		err = c.Run(ctx, env)
		for _, stop := range env.stops {
			err = errors.Join(err, stop(context.WithoutCancel(ctx)))
		}
		return err
	}
	return cmd
}

// commonFlags are the names of the flags that every command has.
var commonFlags = []string{"config", "help", "h"}

// addCommands adds each [Command] in the parts of the app to root. It returns an error if a Command has no function, if
// its name is not one word or is taken, or if it declares a flag that every command has.
func (a *app) addCommands(root *cobra.Command) error {
	return a.addTo(root, commandsOf(a.parts), "help", "completion")
}

// addTo adds the commands to parent, with their subcommands. The names in reserved are taken.
func (a *app) addTo(parent *cobra.Command, commands []Command, reserved ...string) error {
	taken := map[string]bool{}
	for _, name := range reserved {
		taken[name] = true
	}
	for _, cmd := range parent.Commands() {
		taken[cmd.Name()] = true
	}
	for _, c := range commands {
		if c.Run == nil && len(c.Commands) == 0 {
			return fmt.Errorf("command %q has no function: set Run", c.Name)
		}
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if name == "" || strings.ContainsAny(name, " \t\n") {
				return fmt.Errorf("a command is named %q: set Name to one word", name)
			}
			if taken[name] {
				return fmt.Errorf("two commands are named %q: rename one, or add it once", name)
			}
			taken[name] = true
		}
		cmd := a.command(&c)
		for _, name := range commonFlags {
			if cmd.Flags().Lookup(name) != nil {
				return fmt.Errorf("command %q declares the flag %q, which every command has already: rename it", c.Name, name)
			}
		}
		if err := a.addTo(cmd, c.Commands, "help"); err != nil {
			return err
		}
		parent.AddCommand(cmd)
	}
	return nil
}

// commandsOf returns each [Command] in parts, in the lists that are nested in parts, and in the parts of initializers.
func commandsOf(parts actionhero.Parts) (found []Command) {
	for _, p := range parts {
		switch p := p.(type) {
		case Command:
			found = append(found, p)
		case *Command:
			found = append(found, *p)
		case actionhero.Parts:
			found = append(found, commandsOf(p)...)
		case actionhero.Initializer:
			found = append(found, commandsOf(p.Parts)...)
		case *actionhero.Initializer:
			found = append(found, commandsOf(p.Parts)...)
		}
	}
	return found
}
