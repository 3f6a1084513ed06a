package cli_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
)

// users has a subcommand with a flag and an alias, and one that needs no configuration.
func users() cli.Command {
	long := false
	return cli.Command{Name: "users", Aliases: []string{"people"}, Short: "Manage the users", Commands: []cli.Command{
		{
			Name: "list", Short: "List the users", Flags: func(f *flag.FlagSet) { f.BoolVar(&long, "long", false, "with details") },
			Run: func(_ context.Context, env *cli.Env) error {
				_, err := fmt.Fprintf(env.Stdout, "list of %s, long: %t\n", env.Config.General.ServerName, long)
				return err
			},
		},
		{
			Name: "forget", Args: "NAME", NoConfig: true,
			Run: func(_ context.Context, env *cli.Env) error {
				_, err := fmt.Fprintf(env.Stdout, "forgotten: %v%s\n", env.Args, env.Config.General.ServerName)
				return err
			},
		},
	}}
}

func TestACommandHasSubcommandsAndAliases(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"users list --long": "list of Test, long: true\n",
		"people list":       "list of Test, long: false\n",
		"users forget Ann":  "forgotten: [Ann]\n",
	} {
		out, errs, code := run(t, `{"general": {"serverName": "Test"}}`, actionhero.Parts{users()}, strings.Fields(line)...)
		if code != 0 || out != want {
			t.Errorf("%s: exit code %d: %s%s", line, code, out, errs)
		}
	}
	out, _, code := run(t, `{}`, actionhero.Parts{users()}, "users")
	if code != 0 || !strings.Contains(out, "List the users") {
		t.Errorf("without a subcommand, the exit code is %d and the help is\n%s", code, out)
	}
	if _, errs, code := run(t, `{}`, actionhero.Parts{users()}, "users", "lst"); code == 0 || !strings.Contains(errs, "lst") {
		t.Errorf("for an unknown subcommand, the exit code is %d and the error is %s", code, errs)
	}
}

// A command that repairs a configuration can run although the configuration is wrong.
func TestACommandWithoutConfigurationIgnoresItsFaults(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, `{"general": 1}`, actionhero.Parts{users()}, "users", "forget", "Ann")
	if code != 0 || out != "forgotten: [Ann]\n" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if _, errs, code := run(t, `{"general": 1}`, actionhero.Parts{users()}, "users", "list"); code == 0 || !strings.Contains(errs, "config.json") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestWrongSubcommandsAreRefused(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, *cli.Env) error { return nil }
	sub := func(commands ...cli.Command) cli.Command { return cli.Command{Name: "x", Commands: commands} }
	for want, part := range map[string]cli.Command{
		`two commands are named "y"`:     sub(cli.Command{Name: "y", Run: nothing}, cli.Command{Name: "z", Aliases: []string{"y"}, Run: nothing}),
		`command "y" has no function`:    sub(cli.Command{Name: "y"}),
		`two commands are named "start"`: {Name: "x", Aliases: []string{"start"}, Run: nothing},
		`a command is named "a b"`:       {Name: "x", Aliases: []string{"a b"}, Run: nothing},
		`command "y" declares the flag`:  sub(cli.Command{Name: "y", Run: nothing, Flags: func(f *flag.FlagSet) { f.Bool("config", false, "") }}),
		`two commands are named "help"`:  sub(cli.Command{Name: "help", Run: nothing}),
	} {
		if _, errs, code := run(t, `{}`, actionhero.Parts{part}, "version"); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("want %s, exit code %d: %s", want, code, errs)
		}
	}
}

func TestConfigPrintsAFileOfAllSettings(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, `{"httpServer": {"port": 81}}`, nil, "config", "--yaml")
	if code != 0 || !strings.Contains(out, "\nhttpServer:\n") || !strings.Contains(out, "\n  #port: 8080\n") || strings.Contains(out, "81\n") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
