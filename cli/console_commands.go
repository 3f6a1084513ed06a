package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/near"
)

const consoleHelp = `Commands:
  NAME --INPUT=VALUE        run an action; "help NAME" lists its inputs
  action NAME ...           run an action whose name is also a command
  actions, routes           list the actions and their routes
  status                    the figures of the server or the cluster
  report                    the report of one node, as the action status has it
  peers                     list the nodes of the cluster
  conns                     list the connections; --room NAME, --limit N
  conn ID                   show a connection with its details
  kick ID [REASON]          close a connection, on any node
  rooms [PREFIX]            list the rooms
  room NAME                 list the members of a room
  say ROOM TEXT             send a message to a room, as the server
  cache keys [PREFIX]       list the keys of the cache
  cache get KEY             show a value
  cache set KEY VALUE [TTL] store JSON, or else a text; TTL such as 90s
  cache destroy KEY         delete a value
  tasks ...                 list, enqueue, retry, cancel and delete jobs
  workers                   the jobs that run now, by node
  help [COMMAND]            this list, or the help of a command or an action
  exit                      leave; Ctrl+D does so, too`

// consoleUsage is the help of one command. The name of the root command is empty, so the paths begin with a space.
const consoleUsage = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}Usage:
  {{trim .UseLine}}{{if .HasAvailableSubCommands}} COMMAND

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Use 26}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`

// root returns the commands of the console. They are built anew for each line, because flags keep their values.
func (c *console) root() *cobra.Command {
	root := &cobra.Command{SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}}
	tasks := &taskCommands{app: c.app}
	all := tasks.command()
	for _, cmd := range all.Commands() {
		switch cmd.Name() {
		case "repair": // needs the files of a server that does not run
			all.RemoveCommand(cmd)
		case "enqueue":
			cmd.ValidArgsFunction = c.completeEnqueue
		case "registered":
			cmd.RunE = func(*cobra.Command, []string) error { return tasks.printRegistered(c.out, c.api.Tasks.Registered()) }
		}
	}
	tasks.asJSON = c.asJSON
	root.AddCommand(c.action(), c.actions(), c.app.routes(), all, c.cacheCommand(), c.help(root), leave())
	root.AddCommand(c.lookCommands()...)
	for _, cmd := range root.Commands() {
		if cmd.HasSubCommands() {
			cmd.Args = refuseUnknown
		}
	}
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.SetHelpTemplate(consoleUsage)
	root.SetOut(c.out)
	root.SetErr(c.errs)
	explainHere(root)
	return root
}

// explainHere leaves the flag --help out of the help, and makes wrong flags and arguments of cmd and its subcommands a failure that names the form of the command.
func explainHere(cmd *cobra.Command) {
	form := "help " + pathOf(cmd)
	cmd.DisableFlagsInUseLine = true
	cmd.InitDefaultHelpFlag()
	cmd.Flags().Lookup("help").Hidden = true
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w; %q lists the flags", err, form) })
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if _, explained := errors.AsType[*failure](err); err == nil || explained {
				return err
			}
			return usage("%w; the usage is: %s", err, strings.TrimSpace(cmd.UseLine()))
		}
	}
	for _, sub := range cmd.Commands() {
		explainHere(sub)
	}
}

// pathOf returns the names of a command and of those above it.
func pathOf(cmd *cobra.Command) string { return strings.TrimSpace(cmd.CommandPath()) }

// leave is in the tree for its help and its completion. console.run knows it.
func leave() *cobra.Command {
	return &cobra.Command{Use: "exit", Aliases: []string{"quit"}, Short: "Leave the console", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return nil }}
}

// refuseUnknown is the check of the arguments of a command that has only subcommands.
func refuseUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknownCommand(cmd.Name()+" ", args[0], namesOf(cmd), "help "+cmd.Name())
}

func unknownCommand(parent, word string, known []string, help string) *failure {
	f := usage("unknown command %q: %q lists the commands", parent+word, help)
	if meant := near.Name(word, known); meant != "" {
		f.hint = fmt.Sprintf("Did you mean %s?", parent+meant)
	}
	return f
}

// namesOf returns the names of the subcommands.
func namesOf(cmd *cobra.Command) (names []string) {
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	return names
}

// find returns the command of the console with this name, or nil.
func find(root *cobra.Command, name string) *cobra.Command {
	i := slices.IndexFunc(root.Commands(), func(cmd *cobra.Command) bool {
		return !cmd.Hidden && (cmd.Name() == name || cmd.HasAlias(name))
	})
	if i < 0 {
		return nil
	}
	return root.Commands()[i]
}

// resolve returns the words of a command line. If they begin with the name of an action, it writes "action" in front.
func (c *console) resolve(root *cobra.Command, words []string) ([]string, error) {
	switch {
	case find(root, words[0]) != nil:
		return words, nil
	case c.info(words[0]) != nil:
		return append([]string{"action"}, words...), nil
	}
	return nil, unknownCommand("", words[0], append(namesOf(root), c.actionNames()...), "help")
}

// info returns the action with this name, or nil.
func (c *console) info(name string) *actionhero.ActionInfo {
	for _, info := range c.api.Actions() {
		if info.Name == name || info.VersionedName() == name {
			return &info
		}
	}
	return nil
}

func (c *console) actionNames() (names []string) {
	for _, info := range c.api.Actions() {
		names = append(names, calledName(&info))
	}
	return names
}

func (c *console) help(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "List the commands, or show the help of a command or an action",
		RunE: func(_ *cobra.Command, args []string) error { return c.showHelp(root, args) },
		ValidArgsFunction: func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			names := append(namesOf(root), c.actionNames()...)
			if len(args) > 0 {
				names = nil
				if cmd := find(root, args[0]); cmd != nil {
					names = namesOf(cmd)
				}
			}
			return beginning(names, word), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// showHelp prints the list of commands, or the help of the command or the action in args.
func (c *console) showHelp(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		_, err := fmt.Fprintln(c.out, consoleHelp)
		return err
	}
	cmd := find(root, args[0])
	if cmd == nil || cmd.Name() == "action" && len(args) > 1 {
		name := args[len(args)-1]
		if c.info(name) == nil {
			return unknownCommand("", name, append(namesOf(root), c.actionNames()...), "help")
		}
		return c.flags(name).printHelp(c.out, name)
	}
	for _, word := range args[1:] {
		sub := find(cmd, word)
		if sub == nil {
			return unknownCommand(cmd.Name()+" ", word, namesOf(cmd), "help "+cmd.Name())
		}
		cmd = sub
	}
	return cmd.Help()
}

func (c *console) actions() *cobra.Command {
	return &cobra.Command{
		Use: "actions", Short: "List the actions with their kind, their routes and their inputs", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if c.asJSON {
				return printActionsJSON(c.out, c.api.Actions())
			}
			return printActions(c.out, c.api.Actions())
		},
	}
}

// action returns the command that runs one action in the running server.
func (c *console) action() *cobra.Command {
	return &cobra.Command{
		Use: "action NAME [--INPUT=VALUE...]", Aliases: []string{"run"}, Short: "Run an action and print its output as JSON", DisableFlagParsing: true,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.runAction(cmd, args) },
		ValidArgsFunction: c.completeAction,
	}
}

// flags returns the flags of an action, without those that the console has once for all actions.
func (c *console) flags(name string) *actionFlags {
	flags := newActionFlags(c.api, name)
	for _, flag := range []string{"config", "stdin", "running"} {
		flags.set.Lookup(flag).Hidden = true
	}
	return flags
}

// oneLine is an output that is no terminal, so that JSON comes as one line. The writer behind it may be one.
type oneLine struct{ out io.Writer }

// Write implements io.Writer.
func (w oneLine) Write(line []byte) (int, error) {
	if err := printLine(w.out, bytes.TrimSuffix(line, []byte("\n"))); err != nil {
		return 0, err
	}
	return len(line), nil
}

func (c *console) runAction(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("the name of the action is missing: %q lists the actions", "actions")
	}
	if args[0] == "--help" || args[0] == "-h" {
		return cmd.Help()
	}
	flags := c.flags(args[0])
	if err := flags.parse(args[1:]); err != nil {
		return err
	}
	defer flags.close()
	if flags.help {
		return flags.printHelp(c.out, args[0])
	}
	for _, flag := range []string{"config", "stdin", "running"} {
		if flags.set.Changed(flag) {
			return usage("--%s is a flag of %q, and the console does not have it", flag, c.app.name+" action")
		}
	}
	call, err := flags.call(strings.NewReader(""))
	if err != nil {
		return err
	}
	if info := flags.info; info != nil && info.Kind == actionhero.KindDestructive && c.confirm != nil && !c.confirm(fmt.Sprintf("%s is destructive. Run it?", info.Name)) {
		return errors.New("the action did not run")
	}
	env := &Env{Stdout: c.out, Config: c.cfg}
	if c.asJSON {
		env.Stdout = oneLine{c.out}
	}
	if c.offline {
		err = runStarted(cmd.Context(), env, c.api, call)
	} else {
		err = c.app.runThere(cmd.Context(), env, call)
	}
	return withSuggestion(err, c.api, call.Action)
}
