package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/terminal"
	"github.com/actionhero-go/actionhero/server"
)

// consoleOptions are the flags of the command `console`.
type consoleOptions struct {
	offline, noHistory, asJSON, keepGoing bool
}

// console returns the command that opens a prompt for a running server.
func (a *app) console() *cobra.Command {
	var options consoleOptions
	cmd := &cobra.Command{
		Use: "console", Short: "Open a prompt that runs actions and looks into the running server", Args: cobra.NoArgs,
		Long: "Open a prompt that runs actions in the running server, and looks into its cache, rooms, connections, tasks and\n" +
			"nodes. In a cluster, the figures are of all nodes.\n\n" +
			"On a terminal, Tab completes, the arrows walk through the history and Ctrl+R searches it. From a pipe, the console\n" +
			"runs one command for each line. It stops at the first line that fails, and its exit code is the one of `action`:\n\n" +
			"  echo 'cache get greeting' | " + a.name + " console\n\n" + consoleHelp,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runConsole(cmd, options) },
	}
	cmd.Flags().BoolVar(&options.offline, "offline", false, "use no running server: open the cache and the tasks in this process, without ports and workers")
	cmd.Flags().BoolVar(&options.noHistory, "no-history", false, "neither read nor write the history of the prompt")
	cmd.Flags().BoolVar(&options.asJSON, "json", false, "print each answer as one line of JSON, for scripts")
	cmd.Flags().BoolVar(&options.keepGoing, "keep-going", false, "from a pipe: run the lines after a failed one, too")
	return cmd
}

// console is a session of the command `console`.
type console struct {
	consoleOptions
	app       *app // with the socket of the session
	cfg       server.Config
	api       *actionhero.API // describes the actions and tasks; runs only with --offline
	out, errs io.Writer
	confirm   func(question string) bool // asks the person at the terminal; nil: there is none
	over      bool                       // the user leaves
}

func (a *app) runConsole(cmd *cobra.Command, options consoleOptions) (err error) {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	c := &console{consoleOptions: options, cfg: cfg, out: cmd.OutOrStdout(), errs: cmd.ErrOrStderr()}
	c.app = &app{name: a.name, parts: a.parts, file: a.file, exits: a.exits, atPrompt: true}
	if options.offline {
		close, err := c.open(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, close()) }()
	} else if c.api, err = (&Env{Stderr: io.Discard, Config: cfg, parts: a.parts}).API(); err != nil {
		return err
	}
	node, err := ask[control.Node](cmd.Context(), c, "GET", "/node", nil)
	if err != nil {
		return withOffline(err, a.name)
	}
	if in := cmd.InOrStdin(); !terminal.Is(in) || !terminal.Is(c.out) {
		return c.script(cmd.Context(), in)
	}
	where := fmt.Sprintf("node %s, up %s", node.ID, age(time.Duration(node.Uptime*float64(time.Second))))
	if options.offline {
		where = "in this process, without a server"
	}
	fmt.Fprintf(c.out, "%s %s: %s\nTab completes, Ctrl+R searches, Ctrl+D leaves; \"help\" lists the commands.\n", a.name, versionText(), printable(where))
	return c.interact(cmd.Context())
}

// withOffline adds the second remedy to the error for a server that does not run.
func withOffline(err error, name string) error {
	if errors.Is(err, control.ErrNoServer) {
		return fmt.Errorf("%w; %q needs none", err, name+" console --offline")
	}
	return err
}

// open starts an API in this process, and a control socket in a folder of its own for it. The function close ends both.
func (c *console) open(ctx context.Context, cfg server.Config) (close func() error, err error) {
	if cfg.Log.Level == "" || cfg.Log.Level == "debug" || cfg.Log.Level == "info" {
		cfg.Log.Level = "warn" // each other line would stand within a prompt
	}
	env := &Env{Stderr: c.errs, Config: cfg, parts: c.app.parts}
	if c.api, err = env.API(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "actionhero-console-")
	if err != nil {
		return nil, err
	}
	c.app.socket = filepath.Join(dir, "control.sock")
	if err := c.api.Start(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	end := func() error { return errors.Join(c.api.Stop(context.WithoutCancel(ctx)), os.RemoveAll(dir)) }
	stop, err := server.ServeControl(ctx, c.api, c.app.socket)
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return func() error { return errors.Join(stop(), end()) }, nil
}

// script runs a command for each line of in. An empty line and a line that begins with # do nothing.
func (c *console) script(ctx context.Context, in io.Reader) error {
	last := 0
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, control.MaxRequestBytes)
	for n := 1; !c.over && ctx.Err() == nil && lines.Scan(); n++ {
		code := c.run(ctx, lines.Text())
		if code == 0 {
			continue
		}
		last = code
		if n > 1 {
			fmt.Fprintf(c.errs, "       (line %d of the input)\n", n)
		}
		if !c.keepGoing {
			break
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the commands cannot be read: %w", err)
	}
	if last != 0 {
		return &failure{code: last, err: errLineFailed, printed: true}
	}
	return ctx.Err()
}

var errLineFailed = errors.New("a command of the console has failed")

// run runs one line, and returns its exit code.
func (c *console) run(ctx context.Context, text string) (code int) {
	words, err := splitLine(text)
	if err != nil {
		return reportError(c.errs, usage("%w", err))
	}
	switch {
	case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		return 0
	case len(words) == 1 && (words[0] == "exit" || words[0] == "quit"):
		c.over = true
		return 0
	}
	root := c.root()
	if words, err = c.resolve(root, words); err == nil {
		root.SetArgs(words)
		err = root.ExecuteContext(ctx)
	}
	if err != nil && ctx.Err() != nil {
		err = &failure{code: exitCodes[actionhero.CodeCanceled], err: errors.New("interrupted")}
	}
	if e, ok := errors.AsType[*control.Error](err); ok {
		if _, isFailure := errors.AsType[*failure](err); !isFailure {
			err = &failure{code: failedThere(e).code, err: err}
		}
	}
	return reportError(c.errs, err)
}
