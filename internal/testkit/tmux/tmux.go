// Package tmux runs programs in a terminal and reads its screen, for tests of what a person sees. Begin with [Start].
package tmux

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

// pollEvery is the interval between two looks at the screen, each of which starts a process.
const pollEvery = 20 * time.Millisecond

// Options are the program of a terminal and its surroundings.
type Options struct {
	Columns, Rows int
	Dir           string        // the working directory
	Env           []string      // in addition to the environment of the test, without its colours and its state
	Args          []string      // the program and its arguments
	Wait          time.Duration // for each change of the screen; default: twice basics.Wait
}

// Terminal is a terminal with one program. Its screen stays after the end of the program.
type Terminal struct {
	t      testing.TB
	socket string
	dir    string
	wait   time.Duration
	env    []string
}

// settings make the terminal have all rows, and pass keys on at once.
const settings = `set -g status off
set -g remain-on-exit on
set -g remain-on-exit-format ""
set -s escape-time 0
set -g default-terminal screen-256color
set -g history-limit 5000
`

// Start starts a program in a terminal that ends with the test. Without tmux it fails the test on Linux, where `make needs`
// installs tmux, and skips it elsewhere.
func Start(t testing.TB, o Options) *Terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if runtime.GOOS == "linux" {
			t.Fatal("there is no tmux on the PATH: run `make needs`")
		}
		t.Skip("there is no tmux on the PATH: run `make needs`, or install it")
	}
	dir, err := os.MkdirTemp("", "tmux") // t.TempDir may be too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	term := &Terminal{t: t, dir: o.Dir, wait: cmp.Or(o.Wait, 2*basics.Wait), socket: filepath.Join(dir, "socket")}
	term.env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"TMUX", "TERM", "NO_COLOR", "XDG_STATE_HOME", "LC_ALL", "LANG", "COLUMNS", "LINES"}, name)
	})
	term.env = append(append(term.env, "LC_ALL=C.UTF-8", "XDG_STATE_HOME="+filepath.Join(dir, "state"), "ENV="), o.Env...)
	config := filepath.Join(dir, "tmux.conf")
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen:\n%s", term.capture())
		}
		_, _ = term.command("kill-server")
		basics.Within(basics.Wait, func() bool { return os.RemoveAll(dir) == nil })
	})
	term.do(append([]string{"-f", config, "new-session", "-d", "-x", strconv.Itoa(o.Columns), "-y", strconv.Itoa(o.Rows), "-c", o.Dir, "sh", "-c", wrapper, term.exitFile()}, o.Args...)...)
	return term
}

// command runs tmux.
func (term *Terminal) command(args ...string) (string, error) {
	cmd := exec.Command("tmux", append([]string{"-u", "-S", term.socket}, args...)...)
	cmd.Env = term.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (term *Terminal) do(args ...string) string {
	term.t.Helper()
	out, err := term.command(args...)
	if err != nil {
		term.t.Fatalf("tmux %q: %v: %s", args, err, out)
	}
	return out
}

// Keys presses keys by their names in tmux, such as Enter, Tab, Up and C-c.
func (term *Terminal) Keys(keys ...string) {
	term.t.Helper()
	term.do(append([]string{"send-keys"}, keys...)...)
}

// Type types a text.
func (term *Terminal) Type(text string) {
	term.t.Helper()
	term.do("send-keys", "-l", text)
}

// Enter types a line and presses Enter.
func (term *Terminal) Enter(line string) {
	term.t.Helper()
	if line != "" {
		term.Type(line)
	}
	term.Keys("Enter")
}

// Resize changes the size of the terminal.
func (term *Terminal) Resize(columns, rows int) {
	term.t.Helper()
	term.do("resize-window", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows))
}

// Screen returns the lines of the screen, without spaces at their ends and without empty lines at its end.
func (term *Terminal) Screen() string {
	term.t.Helper()
	return trim(term.do("capture-pane", "-p"))
}

// Colors returns the screen with its colours, as escape sequences.
func (term *Terminal) Colors() string {
	term.t.Helper()
	return term.do("capture-pane", "-e", "-p")
}

// Lines returns the lines of the screen as the program has written them, without the breaks of the terminal.
func (term *Terminal) Lines() []string {
	term.t.Helper()
	return strings.Split(trim(term.do("capture-pane", "-J", "-p")), "\n")
}

// AwaitLine waits until a line that the program has written is the text want, in which … stands for any text.
func (term *Terminal) AwaitLine(want string) {
	term.t.Helper()
	pattern := Pattern(want)
	term.await(fmt.Sprintf("a line is %q", want), func() bool { return slices.ContainsFunc(term.Lines(), pattern.MatchString) })
}

// capture returns the screen for the log of a test that has failed.
func (term *Terminal) capture() string {
	out, _ := term.command("capture-pane", "-p", "-S", "-")
	return trim(out)
}

func trim(screen string) string {
	lines := strings.Split(screen, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// Await waits until the screen shows a text.
func (term *Terminal) Await(text string) {
	term.t.Helper()
	term.await(fmt.Sprintf("the screen has %q", text), func() bool { return strings.Contains(term.Screen(), text) })
}

// AwaitScreen waits until the screen is the text want, in which … stands for any text within a line.
func (term *Terminal) AwaitScreen(want string) {
	term.t.Helper()
	pattern := Pattern(want)
	term.await("the screen is\n"+want, func() bool { return pattern.MatchString(term.Screen()) })
}

// AwaitEnd waits until the last lines of the screen are the text want, in which … stands for any text within a line.
func (term *Terminal) AwaitEnd(want string) {
	term.t.Helper()
	pattern := regexp.MustCompile("(?:^|\n)" + strings.TrimPrefix(Pattern(want).String(), "^"))
	term.await("the screen ends with\n"+want, func() bool { return pattern.MatchString(term.Screen()) })
}

// Pattern returns a regular expression for a text in which … stands for any text within a line.
func Pattern(text string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".*") + "$")
}

func (term *Terminal) await(what string, condition func() bool) {
	term.t.Helper()
	if !basics.Poll(pollEvery, term.wait, condition) {
		term.t.Fatalf("%v later this is still not so: %s", term.wait, what)
	}
}

// Exit waits for the end of the program and returns its exit code.
func (term *Terminal) Exit() (code int) {
	term.t.Helper()
	term.await("the program has ended", func() bool {
		text, err := os.ReadFile(term.exitFile())
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return false
		}
		code, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	return code
}

// exitFile is the file for the exit code of the program: tmux itself loses the code sometimes.
func (term *Terminal) exitFile() string { return filepath.Join(filepath.Dir(term.socket), "exit") }

// wrapper runs the program and writes its exit code. Ctrl+C is for the program alone.
const wrapper = `trap : INT; "$@"; echo $? >"$0"`

// Dir returns the working directory.
func (term *Terminal) Dir() string { return term.dir }

// State returns the folder for the state of programs.
func (term *Terminal) State() string { return filepath.Join(filepath.Dir(term.socket), "state") }
