package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "app": // with a backend of its own
		cli.ShareAnyBackend()
		cli.Main(builtin.Stock, which, restart, order)
	case "console":
		cli.Main(consoleParts...)
	case "node":
		cli.Main(builtin.Stock, which, cachedValue, startJob, note, jobsRun)
	}
	basics.VerifyTestMain(m)
}

// run runs a command line of an app whose configuration file is config.
func run(t *testing.T, config string, parts actionhero.Parts, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), &out, &errs, append([]string{"app", "--config", file}, args...), parts...)
	return out.String(), errs.String(), code
}

// greet has flags and args, and uses the configuration and the API.
func greet() cli.Command {
	var times int
	return cli.Command{
		Name: "greet", Short: "Greet somebody", Args: "NAME...",
		Flags: func(f *flag.FlagSet) { f.IntVar(&times, "times", 1, "number of greetings") },
		Run: func(_ context.Context, env *cli.Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			s.Log().Warn("greeting")
			for range times {
				fmt.Fprintf(env.Stdout, "Hello %s from %s with %d actions\n", strings.Join(env.Args, " and "), env.Config.General.ServerName, len(s.Actions()))
			}
			return nil
		},
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	parts := actionhero.Parts{actionhero.Parts{builtin.Stock, greet()}}
	out, errs, code := run(t, `{"general": {"serverName": "Test"}}`, parts, "greet", "--times", "2", "Ann", "Bo")
	want := strings.Repeat(fmt.Sprintf("Hello Ann and Bo from Test with %d actions\n", len(builtin.Stock)-2+len(builtin.Demo)), 2) // RunAction is a task
	if code != 0 || out != want || !strings.Contains(errs, "WARN | greeting") {
		t.Errorf("exit code %d, it prints\n%swant\n%s%s", code, out, want, errs)
	}
	out, _, code = run(t, `{}`, parts, "--help")
	if code != 0 || !strings.Contains(out, "\n  greet       Greet somebody\n") {
		t.Errorf("the help is\n%s", out)
	}
	out, _, code = run(t, `{}`, parts, "greet", "--help")
	if code != 0 || !strings.Contains(out, "app greet NAME... [flags]") || !strings.Contains(out, "--times int") {
		t.Errorf("the help of the command is\n%s", out)
	}
}

// A command is no part of the API: it does not disturb other commands.
func TestOtherCommands(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, `{}`, actionhero.Parts{builtin.Stock, greet()}, "actions")
	if code != 0 || errs != "" || !strings.Contains(out, "randomNumber") {
		t.Errorf("exit code %d, it prints\n%s%s", code, out, errs)
	}
}

// The list of the actions has their routes and marks secret inputs, for people and for scripts.
func TestActionsAreListedWithTheirRoutes(t *testing.T) {
	t.Parallel()
	type input struct {
		Password string `json:"password" required:"true" secret:"true"`
	}
	login := actionhero.Action[input, actionhero.None]{
		Name: "login", Description: "Logs in", Routes: []string{"POST /login", "POST /session"}, Kind: actionhero.KindDestructive, Idempotent: true,
		Run: func(context.Context, input) (n actionhero.None, err error) { return n, nil },
	}
	out, errs, code := run(t, `{}`, actionhero.Parts{login}, "actions")
	want := []string{"login (destructive)", "  POST /login ", "  POST /session ", "  password (string, required, secret)"}
	for i, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
		if i >= len(want) || !strings.HasPrefix(line, want[i]) || code != 0 || errs != "" {
			t.Errorf("exit code %d, line %d is %q %s", code, i, line, errs)
		}
	}
	out, _, _ = run(t, `{}`, actionhero.Parts{login}, "actions", "--json")
	var list []struct {
		Name, Kind string
		Idempotent bool
		Routes     []string
		Inputs     []struct {
			Name, Type       string
			Required, Secret bool
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	if a := list[0]; a.Name != "login" || a.Kind != "destructive" || !a.Idempotent || len(a.Routes) != 2 || len(a.Inputs) != 1 || !a.Inputs[0].Secret || !a.Inputs[0].Required || a.Inputs[0].Type != "string" {
		t.Errorf("the list is %s", out)
	}
}

// The bounds of a duration are among its rules, although JSON Schema cannot express them.
func TestTheBoundsOfADurationAreShown(t *testing.T) {
	t.Parallel()
	type input struct {
		Wait  time.Duration  `json:"wait" minimum:"1s" maximum:"1h"`
		Grace *time.Duration `json:"grace" minimum:"2s" doc:"time to leave"`
		Every time.Duration  `json:"every" doc:"pause"`
	}
	waits := actionhero.Action[input, actionhero.None]{
		Name: "waits", Run: func(context.Context, input) (n actionhero.None, err error) { return n, nil },
	}
	for _, args := range [][]string{{"actions"}, {"action", "waits", "--help"}} {
		out, errs, code := run(t, `{}`, actionhero.Parts{waits}, args...)
		for _, want := range []string{"a duration such as 1m30s, from 1s to 1h", "time to leave (a duration such as 1m30s, at least 2s)", "pause\n"} {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%q: exit code %d, no %q in %s%s", args, code, want, out, errs)
			}
		}
	}
}

func TestCommandErrors(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, *cli.Env) error { return nil }
	withFlag := func(name string) cli.Command {
		return cli.Command{Name: "x", Flags: func(f *flag.FlagSet) { f.Bool(name, false, "") }, Run: nothing}
	}
	for name, tt := range map[string]struct {
		config string
		parts  actionhero.Parts
		args   []string
		want   string
	}{
		"its own error":      {`{}`, actionhero.Parts{cli.Command{Name: "x", Run: func(context.Context, *cli.Env) error { return errors.New("it failed") }}}, []string{"x"}, "it failed"},
		"no arguments":       {`{}`, actionhero.Parts{cli.Command{Name: "x", Run: nothing}}, []string{"x", "y"}, `unknown command "y" for "app x"`},
		"unknown flag":       {`{}`, actionhero.Parts{cli.Command{Name: "x", Run: nothing}}, []string{"x", "--y"}, "unknown flag: --y"},
		"no name":            {`{}`, actionhero.Parts{cli.Command{Run: nothing}}, []string{"version"}, `a command is named "": set Name to one word`},
		"two words":          {`{}`, actionhero.Parts{cli.Command{Name: "a b", Run: nothing}}, []string{"version"}, `a command is named "a b": set Name to one word`},
		"no function":        {`{}`, actionhero.Parts{&cli.Command{Name: "x"}}, []string{"version"}, `command "x" has no function: set Run`},
		"name of a built-in": {`{}`, actionhero.Parts{cli.Command{Name: "start", Run: nothing}}, []string{"version"}, `two commands are named "start": rename one, or add it once`},
		"twice":              {`{}`, actionhero.Parts{greet(), actionhero.Parts{greet()}}, []string{"version"}, `two commands are named "greet": rename one, or add it once`},
		"flag -h":            {`{}`, actionhero.Parts{withFlag("h")}, []string{"version"}, `command "x" declares the flag "h", which every command has already: rename it`},
		"flag --help":        {`{}`, actionhero.Parts{withFlag("help")}, []string{"x"}, `command "x" declares the flag "help", which every command has already: rename it`},
		"flag --config":      {`{}`, actionhero.Parts{withFlag("config")}, []string{"x"}, `command "x" declares the flag "config", which every command has already: rename it`},
		"configuration":      {`{"general": 1}`, actionhero.Parts{greet()}, []string{"greet", "Ann"}, "config.json:1:13: "},
		"a part":             {`{}`, actionhero.Parts{greet(), actionhero.Initializer{}}, []string{"greet", "Ann"}, "an initializer has no name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, errs, code := run(t, tt.config, tt.parts, tt.args...)
			if code != 1 || out != "" || !strings.HasPrefix(errs, "Error: ") || !strings.Contains(errs, tt.want) {
				t.Errorf("exit code %d, it prints %q and the error\n%swant\n%s", code, out, errs, tt.want)
			}
		})
	}
}

// A command may start the server; it is stopped after the command.
func TestCommandStartsTheServer(t *testing.T) {
	t.Parallel()
	started, stopped := false, false
	pool := actionhero.Initializer{
		Name:  "pool",
		Start: func(context.Context, *actionhero.API) error { started = true; return nil },
		Stop:  func(context.Context, *actionhero.API) error { stopped = true; return nil },
	}
	enqueue := cli.Command{Name: "seed", Run: func(ctx context.Context, env *cli.Env) error {
		s, err := env.Server()
		if err != nil {
			return err
		}
		if err := s.Start(ctx); err != nil {
			return err
		}
		return s.Cache.Set(ctx, "key", "value", 0)
	}}
	config := `{"httpServer": {"port": -1, "bindIP": "127.0.0.1"}, "tcpServer": {"port": -1, "bindIP": "127.0.0.1"}, "tasks": {"memory": true}}`
	out, errs, code := run(t, config, actionhero.Parts{pool, enqueue}, "seed")
	if code != 0 || !started || !stopped {
		t.Errorf("exit code %d, started %v, stopped %v: %s%s", code, started, stopped, out, errs)
	}
}

// An error for wrong flags or arguments names the usage.
func TestWrongArguments(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"strat":           "Error: unknown command \"strat\" for \"app\"\n\nDid you mean this?\n\tstart\n",
		"start --prot 1":  "Error: unknown flag: --prot; \"app start --help\" lists the flags\n",
		"start now":       "Error: unknown command \"now\" for \"app start\"; the usage is: app start [flags]\n",
		"tasks show":      "; the usage is: app tasks show ID [flags]\n",
		"greet --times x": "\"app greet --help\" lists the flags\n",
	} {
		_, stderr, code := run(t, "{}", actionhero.Parts{greet()}, strings.Fields(line)...)
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d: %s", line, code, stderr)
		}
	}
}
