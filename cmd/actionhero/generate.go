package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/dev"
	"github.com/actionhero-go/actionhero/internal/generate"
	"github.com/actionhero-go/actionhero/internal/near"
	"github.com/actionhero-go/actionhero/internal/terminal"
	"github.com/actionhero-go/actionhero/server"
)

// kit has the commands with which an app is made and developed.
var kit = actionhero.Parts{generateCommand(), syncCommand(), devCommand()}

func generateCommand() cli.Command {
	var app generate.App
	var with, source string
	var noTidy bool
	command := cli.Command{
		Name: "generate", Aliases: []string{"new"}, Args: "[DIR]", NoConfig: true,
		Short: "Make a new app, or add an action, a task or another part to an app",
		Long: "Make a new app in DIR, or in the current folder. Files that exist are skipped. Below the name of a kind, such as\n" +
			"\"generate action\", the commands add a part to an existing app.",
		Flags: func(flags *flag.FlagSet) {
			flags.StringVar(&app.Module, "module", "", "path of the module (default example.com/ and the name of DIR)")
			flags.StringVar(&with, "with", "", "extras that the app begins with, separated by commas: "+strings.Join(generate.Extras(), ", "))
			flags.StringVar(&source, "source", "", "checkout of the framework that the app is built with (default: the one of this program, or else its version)")
			flags.BoolVar(&app.DryRun, "dry-run", false, "only print which files would be written")
			flags.BoolVar(&noTidy, "no-tidy", false, "do not run go mod tidy, which may download modules")
		},
		Run: func(ctx context.Context, env *cli.Env) (err error) {
			if err := checkArgs(env.Args); err != nil {
				return err
			}
			app.Dir, app.With = strings.Join(env.Args, ""), split(with)
			if app.Source, err = generate.FindSource(source, actionhero.Version); err != nil {
				return err
			}
			var config bytes.Buffer
			if err := (server.Config{}).SettingsYAML(&config); err != nil {
				return err
			}
			app.Config = config.Bytes()
			created, err := app.Create()
			generate.Report(env.Stdout, created.Files, app.DryRun)
			if err != nil || app.DryRun {
				return err
			}
			return finish(ctx, env, app, created, noTidy)
		},
	}
	for _, kind := range generate.Kinds() {
		command.Commands = append(command.Commands, partCommand(kind))
	}
	command.Commands = append(command.Commands, migrationCommand())
	return command
}

func migrationCommand() cli.Command {
	dry := false
	return cli.Command{
		Name: "migration", Args: "NAME", NoConfig: true,
		Short: "Add a migration of the database to the app in the current folder",
		Long: "Add a migration to an app with the extra sqlite: a file in initializers/migrations with the next number and NAME, such as\n" +
			"users:addAge. It is a draft, which is not applied until its first line is deleted.",
		Flags: func(flags *flag.FlagSet) {
			flags.BoolVar(&dry, "dry-run", false, "only print which file would be written")
		},
		Run: func(_ context.Context, env *cli.Env) error {
			if len(env.Args) != 1 {
				return fmt.Errorf("there are %d names: write \"generate migration NAME\"", len(env.Args))
			}
			files, err := generate.Migration(".", env.Args[0], dry)
			generate.Report(env.Stdout, files, dry)
			return err
		},
	}
}

// checkArgs refuses more than one folder. The first argument may then be a misspelt kind.
func checkArgs(args []string) error {
	if len(args) < 2 {
		return nil
	}
	hint := ""
	if kind := near.Name(args[0], append(generate.Kinds(), "migration")); kind != "" {
		hint = fmt.Sprintf("; did you mean \"generate %s %s\"?", kind, args[1])
	}
	return fmt.Errorf("there are %d arguments: write one folder for a new app%s", len(args), hint)
}

func split(list string) (names []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// moduleEdits returns the flags of "go mod edit" that add the modules of the app to an existing go.mod.
func moduleEdits(app generate.App) string {
	edits := "-require=" + generate.Module + "@" + app.Source.Version
	for _, folder := range app.Modules() {
		if app.Source.Released() {
			edits += " -require=" + generate.Module + "/" + folder + "@" + app.Source.Version
		}
	}
	if app.Source.Dir != "" {
		edits += fmt.Sprintf(" -replace=%q", generate.Module+"="+app.Source.Dir)
		for _, folder := range app.Modules() {
			edits += fmt.Sprintf(" -replace=%q", generate.Module+"/"+folder+"="+filepath.Join(app.Source.Dir, filepath.FromSlash(folder)))
		}
	}
	return edits
}

// finish resolves the modules of a new app, and prints its next steps.
func finish(ctx context.Context, env *cli.Env, app generate.App, created generate.Created, noTidy bool) error {
	printNotes(env.Stdout, created.Notes)
	next := []string{"go run . start"}
	if dev.Supported {
		next = []string{"go tool actionhero dev"}
	}
	switch {
	case created.HadModule:
		next = append([]string{"go mod edit -tool=" + generate.Module + "/cmd/actionhero " + moduleEdits(app), "go mod tidy"}, next...)
	case noTidy:
		next = append([]string{"go mod tidy"}, next...)
	default:
		if err := tidy(ctx, env, created.Dir); err != nil {
			return err
		}
	}
	if inWorkspace(ctx, created.Dir) {
		next = append([]string{"go work use ."}, next...)
	}
	if filepath.Clean(created.Dir) != "." {
		next = append([]string{fmt.Sprintf("cd %s", quote(created.Dir))}, next...)
	}
	fmt.Fprintf(env.Stdout, "\nThe app %s is ready. Next:\n\n", created.Name)
	for _, line := range next {
		fmt.Fprintln(env.Stdout, "    "+line)
	}
	return nil
}

// inWorkspace reports whether a file go.work is above the folder of the app. The commands of Go find the app only if that
// file lists it.
func inWorkspace(ctx context.Context, dir string) bool {
	cmd := exec.CommandContext(ctx, "go", "env", "GOWORK")
	cmd.Dir = dir
	out, err := cmd.Output()
	work := strings.TrimSpace(string(out))
	return err == nil && work != "" && work != "off"
}

// quote quotes a folder for a shell, if the folder needs that.
func quote(dir string) string {
	if strings.ContainsFunc(dir, func(r rune) bool { return !strings.ContainsRune("/._-+:\\", r) && (r < '0' || r > 'z') }) {
		return "'" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
	}
	return dir
}

// tidy runs go mod tidy in the folder dir. Its output is printed only if it fails.
func tidy(ctx context.Context, env *cli.Env, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "mod", "tidy")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintln(env.Stdout, "\nGo is not on the path: install it from https://go.dev, and run \"go mod tidy\" in the folder of the app.")
		return nil
	}
	if err != nil {
		return fmt.Errorf("the files are written, but \"go mod tidy\" fails, without which the app does not build; run it again in %s when the cause is gone: %w\n%s", dir, err, bytes.TrimSpace(out))
	}
	return nil
}

func partCommand(kind string) cli.Command {
	part := generate.Part{Kind: kind}
	dry := false
	return cli.Command{
		Name: kind, Args: "[NAME]", NoConfig: true,
		Short: "Add " + article(kind) + " to the app in the current folder",
		Long: "Add " + article(kind) + " to the app in the current folder: a file, its test, and the entry in the list of all parts.\n" +
			"NAME may be users:create, users-create, usersCreate or UsersCreate: each has the file users_create.go and the identifier\n" +
			"UsersCreate. Clients use the name as it is written; of UsersCreate they use usersCreate. In admin/users:create, admin is a\n" +
			"folder. On a terminal, the command asks for what NAME and flags do not say.",
		Flags: func(flags *flag.FlagSet) {
			flags.StringVar(&part.Description, "description", "", "one sentence that describes it")
			flags.BoolVar(&dry, "dry-run", false, "only print which files would be written")
			partFlags(kind, &part, flags)
		},
		Run: func(_ context.Context, env *cli.Env) error {
			if len(env.Args) > 1 {
				return fmt.Errorf("there are %d names: write one", len(env.Args))
			}
			part.Name = strings.Join(env.Args, "")
			if asks(env, part) {
				if err := askInTerminal(env.Stdout, &part); err != nil {
					return err
				}
			}
			if part.Name == "" {
				return fmt.Errorf("the name of the %s is missing: write \"generate %s NAME\"", kind, kind)
			}
			synced, err := part.Create(".", dry)
			generate.Report(env.Stdout, synced.Files, dry)
			printNotes(env.Stdout, synced.Notes)
			return err
		},
	}
}

// asks reports whether the command asks for the fields of the part: on a terminal, if no flag is given.
func asks(env *cli.Env, part generate.Part) bool {
	given := part
	given.Kind, given.Name = "", ""
	return given == generate.Part{} && terminal.Is(env.Stdin) && terminal.Is(env.Stdout)
}

func article(kind string) string {
	switch {
	case kind == "middleware":
		return kind
	case strings.ContainsRune("aeiou", rune(kind[0])):
		return "an " + kind
	}
	return "a " + kind
}

// partFlags declares the flags of one kind.
func partFlags(kind string, part *generate.Part, flags *flag.FlagSet) {
	inputs := func() {
		flags.StringVar(&part.Inputs, "inputs", "", "such as name:string!,age:int; ! marks a required input; types are string, int, float, bool, email, uri, uuid, time, date, duration, file, and [] in front of one")
	}
	switch kind {
	case "action":
		inputs()
		flags.StringVar(&part.Route, "route", "", "such as \"POST /users/{id}\" (default: only /api/NAME)")
		flags.StringVar(&part.Effect, "kind", "", "write, read (changes nothing) or destructive (default write)")
	case "task":
		inputs()
		flags.StringVar(&part.Frequency, "frequency", "", "run it at this interval, such as 90s")
		flags.StringVar(&part.Cron, "cron", "", "run it at these times in UTC, such as \"0 8 * * MON-FRI\"")
		flags.StringVar(&part.Scope, "scope", "", "any (one node of a cluster runs it) or all (default any)")
	case "middleware":
		flags.StringVar(&part.Scope, "scope", "", "all actions and tasks, or one: those that list it (default all)")
	}
}

func syncCommand() cli.Command {
	dry := false
	return cli.Command{
		Name: "sync", NoConfig: true,
		Short: "Bring the lists of the parts of an app (all.gen.go) up to date",
		Long: "Bring the files all.gen.go of the app in the current folder up to date. They list the exported variables and constructors of\n" +
			"actions/, tasks/, initializers/, middleware/ and rooms/, and of the folders below.",
		Flags: func(flags *flag.FlagSet) {
			flags.BoolVar(&dry, "dry-run", false, "only print which files would be written")
		},
		Run: func(_ context.Context, env *cli.Env) error {
			synced, err := generate.Sync(".", dry)
			generate.Report(env.Stdout, synced.Files, dry)
			printNotes(env.Stdout, synced.Notes)
			return err
		},
	}
}

func printNotes(out io.Writer, notes []string) {
	for _, note := range notes {
		fmt.Fprintln(out, "note: "+note)
	}
}
