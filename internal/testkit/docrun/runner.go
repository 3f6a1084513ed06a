//go:build unix

package docrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Runner runs the blocks of a document one after the other, as a reader would type them.
type Runner struct {
	Dir      string            // the current folder; a command cd changes it
	Programs map[string]string // replaces the beginning of a command, such as "go run ./cmd/actionhero "
	Addrs    map[string]string // replaces addresses in commands and in the output that is shown
	Env      []string          // the environment of all commands

	t        testing.TB
	server   *exec.Cmd
	output   *output
	sessions map[string]*Session
}

// NewRunner returns a Runner that begins in the folder dir.
func NewRunner(t testing.TB, dir string) *Runner {
	r := &Runner{Dir: dir, Env: append(os.Environ(), "GOWORK=off"), t: t, sessions: map[string]*Session{}}
	t.Cleanup(r.StopServer)
	return r
}

// Run runs a block by its kind: sh has commands, and their last one starts a server if the info of the block is
// "serve". console has commands with their output, or what a client says to the server; the info is the name of the
// client. Another kind is a file, whose name is the info: it is written, or compared with the one that is there if the
// name follows the word "shows".
func (r *Runner) Run(b Block) {
	r.t.Helper()
	switch {
	case b.Kind == "sh":
		r.shell(b)
	case b.Kind == "console" && (strings.HasPrefix(b.Text, "$ nc ") || b.Info != ""):
		r.talk(b)
	case b.Kind == "console":
		r.console(b)
	case strings.HasPrefix(b.Info, "shows "):
		r.compare(b, strings.TrimPrefix(b.Info, "shows "))
	case b.Info != "":
		r.write(b)
	default:
		r.t.Fatalf("%s:%d: a block of the kind %q cannot be run", b.File, b.Line, b.Kind)
	}
}

func (r *Runner) shell(b Block) {
	r.t.Helper()
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(b.Text, "\\\n", " ")), "\n")
	for i, line := range lines {
		if folder, ok := strings.CutPrefix(line, "cd "); ok {
			folder, _, _ = strings.Cut(folder, "#")
			r.Dir = filepath.Join(r.Dir, strings.TrimSpace(folder))
		} else if b.Info == "serve" && i == len(lines)-1 {
			r.serve(b, line)
		} else if out, err := r.command(line); err != nil {
			r.t.Fatalf("%s:%d: %s: %v\n%s", b.File, b.Line, line, err, out)
		}
	}
}

// prepare makes the process of a command, in a process group of its own, as a terminal does.
func (r *Runner) prepare(ctx context.Context, line string) *exec.Cmd {
	line = r.here(line)
	for shown, program := range r.Programs {
		if rest, ok := strings.CutPrefix(line, shown); ok {
			line = program + rest
		}
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = r.Dir, r.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

func (r *Runner) command(line string) (out string, err error) {
	cmd := r.prepare(r.t.Context(), line)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%w: %s", err, &stderr)
	}
	return stdout.String(), err
}

// here puts the addresses of this run in place of those that the document shows.
func (r *Runner) here(text string) string {
	for shown, addr := range r.Addrs {
		text = strings.ReplaceAll(text, shown, addr)
	}
	return text
}

func (r *Runner) console(b Block) {
	r.t.Helper()
	for exchange := range strings.SplitSeq("\n"+b.Text, "\n$ ") {
		line, shown, _ := strings.Cut(exchange, "\n")
		if line == "" {
			continue
		}
		if shown != "" && !strings.HasSuffix(shown, "\n") {
			shown += "\n"
		}
		out, err := r.command(line)
		if out != "" && !strings.HasSuffix(out, "\n") {
			out += "\n"
		}
		if !matchesLines(r.here(shown), out) {
			r.t.Errorf("%s:%d: %s shows\n%sbut it prints\n%s(%v)", b.File, b.Line, line, shown, out, err)
		}
	}
}

func (r *Runner) talk(b Block) {
	r.t.Helper()
	if strings.HasPrefix(b.Text, "$ nc ") {
		line, _, _ := strings.Cut(b.Text, "\n")
		address := strings.Fields(r.here(line))
		r.sessions[b.Info] = Dial(r.t, address[2]+":"+address[3])
	}
	if r.sessions[b.Info] == nil {
		r.t.Fatalf("%s:%d: no client %q has connected", b.File, b.Line, b.Info)
	}
	r.sessions[b.Info].Follow(r.t, b)
}

func (r *Runner) write(b Block) {
	r.t.Helper()
	file := filepath.Join(r.Dir, b.Info)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(b.Text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *Runner) compare(b Block, name string) {
	r.t.Helper()
	source, err := os.ReadFile(filepath.Join(r.Dir, name))
	if err != nil || !strings.Contains(string(source), b.Text) {
		r.t.Errorf("%s:%d: %s does not have these lines (%v)", b.File, b.Line, name, err)
	}
}

// serve starts a server in place of the one that runs, and waits until it is up.
func (r *Runner) serve(b Block, line string) {
	r.t.Helper()
	r.StopServer()
	r.server, r.output = r.prepare(context.WithoutCancel(r.t.Context()), line), newOutput()
	r.server.Stdout, r.server.Stderr = r.output, r.output
	if err := r.server.Start(); err != nil {
		r.t.Fatal(err)
	}
	server, out := r.server, r.output
	go func() { out.end(server.Wait()) }()
	if !out.await("Ctrl+C stops it.") {
		r.t.Fatalf("%s:%d: %s ends before it is up: %s", b.File, b.Line, line, out)
	}
}

// StopServer interrupts the server that runs, if there is one, as Ctrl+C does, and waits for its end.
func (r *Runner) StopServer() {
	if r.server == nil {
		return
	}
	if err := syscall.Kill(-r.server.Process.Pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		r.t.Error(err)
	}
	<-r.output.ended
	r.server, r.sessions = nil, map[string]*Session{}
}

// Output returns what the server has written.
func (r *Runner) Output() string { return r.output.String() }
