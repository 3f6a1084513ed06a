package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
)

func TestTheConsoleCompletes(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	joined(t, s, "lobby")
	ctx := t.Context()
	for _, key := range []string{"apple pie", "apple", "äpfel", "it's"} {
		if err := s.Cache.Set(ctx, key, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.Conns.List(ctx, actionhero.ConnFilter{})
	if err != nil {
		t.Fatal(err)
	}
	id := list.Conns[0].ID
	console, err := cli.NewConsole(ctx, config, consoleParts...)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"stat":                   "|status ",
		"ca":                     "|cache ,cacheTest ",
		"gre":                    "|greet ",
		"greet --n":              "greet |--name=",
		"greet --name=x --m":     "greet --name=x |--mood=",
		"greet --mood=":          "greet |--mood=glad ,--mood=sad ",
		"greet --mood=g":         "greet |--mood=glad ",
		"action gre":             "action |greet ",
		"run gre":                "run |greet ",
		"cache ":                 "cache |destroy ,get ,keys ,set ",
		"cache get a":            `cache get |apple ,apple\ pie `,
		"cache get apple\\ ":     `cache get |apple\ pie `,
		"cache get 'apple p":     `cache get |apple\ pie `,
		"cache get ä":            "cache get |äpfel ",
		"cache get it":           `cache get |it\'s `,
		"cache get apple ":       "cache get apple |",
		"cache destroy äp":       "cache destroy |äpfel ",
		"room l":                 "room |lobby ",
		"say l":                  "say |lobby ",
		"say lobby l":            "say lobby |",
		"conns --room l":         "conns --room |lobby ",
		"kick " + id[:20]:        "kick |" + id + " ",
		"conn ":                  "conn |" + id + " ",
		"tasks enq":              "tasks |enqueue ",
		"tasks enqueue m":        "tasks enqueue |mail ",
		"tasks enqueue mail n":   "tasks enqueue mail |name=",
		"tasks list --sta":       "tasks list |--state ",
		"help tasks li":          "help tasks |list ",
		"help gre":               "help |greet ",
		"nothing of this":        "nothing of |",
		"ex":                     "|exit ",
		"greet --name='a b' --t": "greet --name='a b' |--token=",
	} {
		head, words := console.Complete(ctx, line)
		if got := head + "|" + strings.Join(words, ","); got != want {
			t.Errorf("%q completes to %q, want %q", line, got, want)
		}
	}
}

func TestTheConsoleAsksBeforeADestructiveAction(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	console, err := cli.NewConsole(t.Context(), config, consoleParts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Cache.Set(t.Context(), "a", 1, 0); err != nil {
		t.Fatal(err)
	}
	size := func() int { n, _ := s.Cache.Size(t.Context()); return n }
	var out bytes.Buffer
	code, questions := console.Confirm(t.Context(), "wipe", &out, false)
	if fmt.Sprint(questions) != "[wipe is destructive. Run it?]" || code == 0 || size() != 1 || out.String() != "Error: the action did not run\n" {
		t.Errorf("after no, the exit code is %d, the questions are %v: %s", code, questions, &out)
	}
	if code, _ := console.Confirm(t.Context(), "wipe", &out, true); code != 0 || size() != 0 {
		t.Errorf("after yes, the exit code is %d: %s", code, &out)
	}
	if _, questions := console.Confirm(t.Context(), "greet --name=Ann", &out, true); len(questions) != 0 {
		t.Errorf("another action asks %v", questions)
	}
	if err := s.Cache.Set(t.Context(), "a", 1, 0); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := enter(t, config, "wipe"); code != 0 || size() != 0 {
		t.Errorf("in a script, the exit code is %d: %s", code, errs)
	}
}

func TestTheConsoleReportsAnInterrupt(t *testing.T) {
	t.Parallel()
	_, config := consoleServer(t)
	console, err := cli.NewConsole(t.Context(), config, consoleParts...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if code, _ := console.Confirm(ctx, "status", &out, true); code != 9 || out.String() != "Error: interrupted\n" {
		t.Errorf("exit code %d: %s", code, &out)
	}
}
