//go:build unix

package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/tmux"
)

// terminalApp returns a terminal in which the app of the console runs. With shell, the program is a shell, and the app is
// on its path.
func terminalApp(t *testing.T, columns, rows int, env []string, args ...string) *tmux.Terminal {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "app")); err != nil {
		t.Fatal(err)
	}
	env = append([]string{roleVariable + "=console", "GORACE=atexit_sleep_ms=0", "PATH=" + bin + ":" + os.Getenv("PATH")}, env...)
	return tmux.Start(t, tmux.Options{Columns: columns, Rows: rows, Dir: t.TempDir(), Env: env, Args: args})
}

const consoleBanner = `app …: node …, up …s
Tab completes, Ctrl+R searches, Ctrl+D leaves; "help" lists the commands.
`

// sizes are those of the terminals under test.
var sizes = [][2]int{{80, 24}, {120, 40}}

func TestAPersonUsesTheConsole(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			s, config := consoleServer(t)
			joined(t, s, "lobby")
			term := terminalApp(t, size[0], size[1], nil, "app", "--config", config, "console")
			term.AwaitScreen(consoleBanner + "app>")

			term.Type("stat") // a word with one completion
			term.Keys("Tab")
			term.AwaitScreen(consoleBanner + "app> status")
			term.Keys("C-u")
			term.Type("greet --") // several: the second Tab lists them
			term.Keys("Tab", "Tab")
			const choices = "app> greet --\n--name= --mood= --token= --json= --server= --help\n"
			term.AwaitScreen(consoleBanner + choices + "app> greet --")
			term.Keys("C-c") // a new line
			const cleared = choices + "app> greet --^C\n"
			term.AwaitScreen(consoleBanner + cleared + "app>")

			term.Type("room l")
			term.Keys("Tab", "Enter")
			const room = "app> room lobby\nID\n…-…-…-…-…\n"
			term.AwaitScreen(consoleBanner + cleared + room + "app>")
			term.Enter("greet --name=Ann")
			const greeting = "app> greet --name=Ann\n{\n  \"greeting\": \"Hello Ann\"\n}\n"
			term.AwaitScreen(consoleBanner + cleared + room + greeting + "app>")
			if colors := term.Colors(); !strings.Contains(colors, "\x1b[36m\"greeting\"") || !strings.Contains(colors, "\x1b[32m\"Hello Ann\"") {
				t.Errorf("the output has other colours: %q", colors)
			}

			term.Keys("Up", "Up") // the history
			term.AwaitScreen(consoleBanner + cleared + room + greeting + "app> room lobby")
			term.Keys("Down")
			term.AwaitScreen(consoleBanner + cleared + room + greeting + "app> greet --name=Ann")
			term.Keys("C-c", "C-r")
			term.Type("roo")
			const aborted = "app> greet --name=Ann^C\n"
			term.AwaitScreen(consoleBanner + cleared + room + greeting + aborted + "(reverse-i-search)`roo': room lobby")
			term.Keys("Enter")
			term.AwaitScreen(consoleBanner + cleared + room + greeting + aborted + room + "app>")
			term.Keys("C-d")
			if code := term.Exit(); code != 0 {
				t.Errorf("the exit code is %d", code)
			}
			history := filepath.Join(term.State(), "actionhero", "app.history")
			text, err := os.ReadFile(history)
			info, _ := os.Stat(history)
			if err != nil || string(text) != "room lobby\ngreet --name=Ann\nroom lobby\n" || info.Mode().Perm() != 0o600 {
				t.Errorf("the history is %q, %v, %v", text, info, err)
			}
		})
	}
}

// A long line wraps, and neither editing nor searching it overwrites other lines.
func TestALongLineWrapsInTheConsole(t *testing.T) {
	t.Parallel()
	_, config := consoleServer(t)
	term := terminalApp(t, 40, 24, nil, "app", "--config", config, "console")
	term.Await("app>")
	term.Keys("C-l")
	term.AwaitScreen("app>")
	value := strings.Repeat("abcdefghi ", 7)
	term.Enter("cache set long \"" + value + "\"")
	const set = `app> cache set long "abcdefghi abcdefghi
 abcdefghi abcdefghi abcdefghi abcdefghi
 abcdefghi "
`
	const done = `"long" is "abcdefghi abcdefghi abcdefghi
 abcdefghi abcdefghi abcdefghi abcdefghi
 ", and never expires.
`
	term.AwaitScreen(set + done + "app>")
	term.Keys("Up")
	term.AwaitScreen(set + done + strings.TrimSuffix(set, "\n"))
	term.Keys("C-a", "C-k")
	term.AwaitScreen(set + done + "app>")
	term.Keys("C-r")
	term.Type("long")
	term.AwaitScreen(set + done + "(reverse-i-search)`long': cache set long\n \"abcdefghi abcdefghi abcdefghi abcdefgh\ni abcdefghi abcdefghi abcdefghi \"")
	term.Keys("C-g")
	term.AwaitScreen(set + done + "app>")
	term.Enter("cache keys")
	term.Await("\nlong\napp>")
	term.Resize(80, 24)
	term.Enter("help nothing")
	term.Await(`Error: unknown command "nothing": "help" lists the commands`)
}

// The tables fit: each row has one line, and the ids are whole.
func TestTablesOfTheConsoleFitTheTerminal(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	joined(t, s, strings.Repeat("long-name-of-a-room-", 5))
	for _, size := range sizes {
		term := terminalApp(t, size[0], size[1], nil, "app", "--config", config, "console")
		term.AwaitScreen(consoleBanner + "app>")
		term.Enter("conns")
		term.AwaitScreen(consoleBanner + "app> conns\nID                                    TRANSPORT  SINCE  REMOTE           ROOMS\n…-…-…-…-…  tcp…long-…\napp>")
		screen := term.Screen()
		row := strings.Split(screen, "\n")[4]
		if !strings.HasSuffix(row, "…") || len([]rune(row)) != size[0] {
			t.Errorf("the row has %d columns of %d: %s", len([]rune(row)), size[0], row)
		}
	}
}

func TestTheTerminalGetsNoControlCharactersOfClients(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	if err := s.Cache.Set(t.Context(), "evil", "a\u009b2J\u202eb\x7f", 0); err != nil {
		t.Fatal(err)
	}
	term := terminalApp(t, 80, 24, nil, "app", "--config", config, "console")
	term.AwaitScreen(consoleBanner + "app>")
	term.Enter("evil")
	term.AwaitEnd("app> evil\n{\n  \"text\": \"a\\u009b2J\\u202eb\\u007f\"\n}\napp>")
	term.Enter("cache get evil")
	term.AwaitEnd("app> cache get evil\n\"a\\u009b2J\\u202eb\\u007f\"\ncreated …s ago, never expires\napp>")
	term.Keys("C-d")
	term.Exit()
	term = terminalApp(t, 80, 24, nil, "app", "--config", config, "console", "--json")
	term.AwaitScreen(consoleBanner + "app>")
	term.Enter("evil")
	term.AwaitEnd("app> evil\n{\"text\":\"a\\u009b2J\\u202eb\\u007f\"}\napp>")
	term.Enter("cache get evil")
	term.AwaitEnd("{\"value\":\"a\\u009b2J\\u202eb\\u007f\",\"created\":…\napp>")
}

func TestNoColoursInTheConsoleOnDemand(t *testing.T) {
	t.Parallel()
	_, config := consoleServer(t)
	term := terminalApp(t, 80, 24, []string{"NO_COLOR=1"}, "app", "--config", config, "console", "--no-history")
	term.AwaitScreen(consoleBanner + "app>")
	term.Enter("greet --name=Ann --token=sesame")
	term.AwaitEnd("{\n  \"greeting\": \"Hello Ann\"\n}\napp>")
	if colors := term.Colors(); strings.Contains(colors, "\x1b[3") {
		t.Errorf("there are colours: %q", colors)
	}
	term.Keys("C-d")
	term.Exit()
	if _, err := os.Stat(term.State()); err == nil {
		t.Error("there is a history")
	}
}

// Ctrl+C ends what runs, also in the server, and the console goes on.
func TestCtrlCCancelsTheRunningAction(t *testing.T) {
	t.Parallel()
	_, config := consoleServer(t)
	term := terminalApp(t, 80, 24, nil, "app", "--config", config, "console")
	term.AwaitScreen(consoleBanner + "app>")
	term.Enter("wait")
	testkit.Eventually(t, "the action runs", func() bool { return waiting.Load() == 1 })
	term.Keys("C-c")
	term.AwaitEnd("app> wait\nError: interrupted\napp>")
	testkit.Eventually(t, "the action has ended", func() bool { return waiting.Load() == 0 })
	term.Enter("wipe")
	term.AwaitEnd("wipe is destructive. Run it? [y/N]")
	term.Keys("C-c")
	term.AwaitEnd("wipe is destructive. Run it? [y/N] ^C\nError: the action did not run\napp>")
	term.Enter("wipe")
	term.AwaitEnd("wipe is destructive. Run it? [y/N]")
	term.Enter("y")
	term.AwaitEnd("wipe is destructive. Run it? [y/N] y\n{}\napp>")
	term.Enter("exit")
	if code := term.Exit(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
}

// After the console, the terminal echoes keys again, however the console ends.
func TestTheConsoleLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	_, config := consoleServer(t)
	term := terminalApp(t, 80, 24, []string{"CONFIG=" + config}, "env", "PS1=$ ", "sh")
	term.AwaitScreen("$")
	term.Enter(`app --config "$CONFIG" console; echo "exit code $?"`)
	term.AwaitEnd("app>")
	term.Keys("C-d")
	term.AwaitEnd("exit code 0\n$")
	term.Enter(`sh -c 'echo $$ >pid; exec app --config "$CONFIG" console'; echo "exit code $?"`)
	term.AwaitEnd("app>")
	raw, err := os.ReadFile(filepath.Join(term.Dir(), "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	term.AwaitEnd("app>\nexit code 143\n$")
	term.Type("echo visible")
	term.AwaitEnd("$ echo visible")
}

// The session in docs/console.md looks as it stands there.
func TestTheSessionInTheDocumentsIsReal(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	joined(t, s, "lobby")
	session, _ := consoleDoc(t)
	term := terminalApp(t, 80, 50, []string{"CONFIG=" + config}, "app", "--config", config, "console")
	shown := strings.SplitAfter(strings.TrimPrefix(session, "$ app console\n"), "\n")
	so := ""
	for _, line := range shown {
		typed, isPrompt := strings.CutPrefix(line, "app> ")
		question, answer, isQuestion := strings.Cut(line, "[y/N] ")
		switch {
		case isPrompt:
			term.AwaitScreen(so + "app>")
			term.Enter(strings.TrimSpace(typed))
		case isQuestion:
			term.AwaitScreen(so + question + "[y/N]")
			term.Enter(strings.TrimSpace(answer))
		}
		so += line
	}
	term.AwaitScreen(so + "app>")
}

// The doctor shows each state in a colour, and continues long texts below their beginning.
func TestTheDoctorFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		config := consoleConfig(t, nil)
		term := terminalApp(t, size[0], size[1], nil, "app", "--config", config, "doctor")
		term.Exit()
		term.Await("ok    version        actionhero ")
		const indent = "                     "
		for line := range strings.SplitSeq(term.Screen(), "\n") {
			known := strings.HasPrefix(line, "Error:") || strings.HasPrefix(line, indent)
			for _, state := range []string{"ok    ", "warn  ", "fail  "} {
				known = known || strings.HasPrefix(line, state)
			}
			if !known {
				t.Errorf("a line begins in the first column, in a terminal of %d columns: %q", size[0], line)
			}
		}
		if !strings.Contains(term.Colors(), "\x1b[32mok ") {
			t.Errorf("there are no colours: %q", term.Colors())
		}
	}
}
