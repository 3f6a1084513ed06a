package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/inplace"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/internal/near"
	"github.com/actionhero-go/actionhero/internal/terminal"
	"github.com/actionhero-go/actionhero/transport"
)

// action returns the command that runs one action. The flags are those of the action that the line names, so cobra does
// not parse them.
func (a *app) action() *cobra.Command {
	return &cobra.Command{
		Use: "action NAME [--INPUT=VALUE...]", Short: "Run an action in this process and print its output as JSON",
		Long: "Run an action in this process, without a server, and print its output as JSON. The initializers of the app start\n" +
			"first. The log goes to standard error. \"" + a.name + " action NAME --help\" lists the inputs of an action, and\n" +
			"\"" + a.name + " actions\" the actions.\n\n" +
			"The exit code reports the error: 1 internal error, 2 invalid input, 3 not found, 4 already exists, 5 not\n" +
			"authenticated, 6 permission denied, 7 resource exhausted, 8 conflict, 9 canceled, 10 deadline exceeded,\n" +
			"11 unavailable.",
		DisableFlagParsing: true,
		RunE:               func(cmd *cobra.Command, args []string) error { return a.runAction(cmd, args) },
		ValidArgsFunction:  a.completeAction,
	}
}

// runAction parses the line of the command `action`, and runs the action.
func (a *app) runAction(cmd *cobra.Command, args []string) error {
	line, err := parseActionLine(args)
	if err != nil {
		return err
	}
	if line.name == "" && line.help {
		return cmd.Help()
	}
	if line.name == "" {
		return usage("the name of the action is missing: %q lists the actions", a.name+" actions")
	}
	a.file = line.config
	cfg, err := a.load()
	if err != nil {
		return err
	}
	env := &Env{Stdin: cmd.InOrStdin(), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Config: cfg, parts: a.parts}
	api, err := env.API()
	if err != nil {
		return err
	}
	flags := newActionFlags(api, line.versionedName(api))
	if err := flags.parse(line.rest); err != nil {
		return err
	}
	defer flags.close()
	if flags.help {
		return flags.printHelp(env.Stdout, a.name+" action "+line.name)
	}
	call, err := flags.call(env.Stdin)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its default effect
	switch {
	case flags.server != "":
		return flags.runRemote(ctx, env, call)
	case flags.token != "":
		return usage("--token is for --server: write both")
	case flags.running:
		err = a.runThere(ctx, env, call)
	case !knows(api, call.Action): // before anything starts
		req := transport.Of(api).NewRequest(inplace.Transport)
		req.Action = call.Action
		err = failed(transport.Of(api).CheckAction(req))
	default:
		err = runHere(ctx, env, api, call)
	}
	return withSuggestion(err, api, call.Action)
}

func knows(api *actionhero.API, action string) bool {
	return slices.ContainsFunc(api.Actions(), func(info actionhero.ActionInfo) bool { return info.Name == action || info.VersionedName() == action })
}

// withSuggestion adds the name that was probably meant to the error for an unknown action.
func withSuggestion(err error, api *actionhero.API, name string) error {
	f, ok := errors.AsType[*failure](err)
	if !ok || f.code != exitCodes[actionhero.CodeNotFound] {
		return err
	}
	if knows(api, name) {
		return err
	}
	var names []string
	for _, info := range api.Actions() {
		names = append(names, info.Name)
	}
	if plain := name[strings.LastIndex(name, "/")+1:]; plain != name && slices.Contains(names, plain) {
		return err // which says the versions
	}
	if meant := near.Name(name, names); meant != "" {
		f.hint = fmt.Sprintf("Did you mean %s?", meant)
	}
	return f
}

// runHere starts the API, runs the action and stops the API.
func runHere(ctx context.Context, env *Env, api *actionhero.API, call *inplace.Call) error {
	if err := api.Start(ctx); err != nil {
		return err
	}
	err := runStarted(ctx, env, api, call)
	return errors.Join(err, api.Stop(context.WithoutCancel(ctx)))
}

func runStarted(ctx context.Context, env *Env, api *actionhero.API, call *inplace.Call) error {
	object, content, err := call.Run(ctx, api)
	switch {
	case err != nil:
		return failed(err)
	case content != nil:
		_, err := io.Copy(env.Stdout, content.Body)
		return errors.Join(err, content.Close())
	}
	return printOutput(env.Stdout, object)
}

// runThere runs the action in the running server.
func (a *app) runThere(ctx context.Context, env *Env, call *inplace.Call) error {
	if err := call.HasFile(); err != nil {
		return err
	}
	raw, err := a.ask(ctx, env.Config, http.MethodPost, "/actions", call)
	if e, ok := errors.AsType[*control.Error](err); ok {
		return failedThere(e)
	}
	if err != nil {
		return err
	}
	return printOutput(env.Stdout, raw)
}

// printOutput writes the output of an action: on a terminal indented, in colours and without control characters, and
// else as one line.
func printOutput(out io.Writer, object []byte) error {
	if !terminal.Is(out) {
		return printLine(out, object)
	}
	var text bytes.Buffer
	if err := printIndented(&text, json.RawMessage(object)); err != nil {
		return err
	}
	_, err := out.Write(paintJSON(text.Bytes(), logging.Colored(out)))
	return err
}

// actionLine is the line of the command `action`, with the flags of the action in rest.
type actionLine struct {
	config, name string
	help         bool // before the name
	rest         []string
}

// versionedName returns the name of the version that the flag --apiVersion asks for, or else the name in the line.
func (l *actionLine) versionedName(api *actionhero.API) string {
	for i, arg := range l.rest {
		version, ok := strings.CutPrefix(arg, "--apiVersion=")
		if arg == "--apiVersion" && i+1 < len(l.rest) {
			version, ok = l.rest[i+1], true
		}
		if name := "v" + version + "/" + l.name; ok && knows(api, name) {
			return name
		}
	}
	return l.name
}

// parseActionLine finds the name of the action in args: the first that is neither --config nor --help, nor a value of
// --config.
func parseActionLine(args []string) (line actionLine, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		value, isConfig := strings.CutPrefix(arg, "--config=")
		switch {
		case isConfig:
			line.config = value
		case arg == "--config" && i+1 < len(args):
			i++
			line.config = args[i]
		case line.name == "" && (arg == "--help" || arg == "-h"):
			line.help = true
		case line.name == "" && !strings.HasPrefix(arg, "-"):
			line.name = arg
		default:
			line.rest = append(line.rest, arg)
		}
	}
	return line, nil
}
