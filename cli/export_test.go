package cli

import (
	"context"
	"io"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

// ShareAnyBackend makes `start --nodes` take any backend, for nodes whose tests need no shared state.
func ShareAnyBackend() { sharedBackend = func(server.Config) bool { return true } }

// RunWith is Run with a standard input of its own.
func RunWith(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer, args []string, parts ...actionhero.Part) int {
	return run(ctx, stdout, stderr, args, &app{parts: parts, stdin: stdin})
}

// Console is a session of the command `console` without a prompt.
type Console struct{ c *console }

// NewConsole opens a session for the server of a configuration file.
func NewConsole(ctx context.Context, config string, parts ...actionhero.Part) (*Console, error) {
	a := &app{name: "app", parts: parts, file: config}
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	c := &console{app: &app{name: "app", parts: parts, file: config, atPrompt: true}, cfg: cfg, out: io.Discard, errs: io.Discard}
	c.api, err = (&Env{Stderr: io.Discard, Config: cfg, parts: parts}).API()
	return &Console{c}, err
}

// Complete returns the completions of a line.
func (s *Console) Complete(ctx context.Context, line string) (head string, words []string) {
	return s.c.complete(ctx, []rune(line))
}

// Confirm runs a line as at a terminal, whose person answers each question with yes or no.
func (s *Console) Confirm(ctx context.Context, line string, out io.Writer, yes bool) (code int, questions []string) {
	s.c.out, s.c.errs = out, out
	s.c.confirm = func(question string) bool {
		questions = append(questions, question)
		return yes
	}
	return s.c.run(ctx, line), questions
}

// Secret reports whether a line stays out of the history.
func (s *Console) Secret(line string) bool { return s.c.secret(line) }

// SplitLine, EscapeWord, PaintJSON and PrintList are parts of the console.
var (
	SplitLine  = splitLine
	EscapeWord = escapeWord
	PaintJSON  = paintJSON
	PrintList  = printList
	Fit        = fit
	Age        = age
)

// History is the file of a history.
type History struct{ history }

// NewHistory returns the history in a file.
func NewHistory(path string) History { return History{history{path}} }

// Read and Add are the methods of the file.
func (h History) Read() ([]string, error) { return h.read() }
func (h History) Add(line string) error   { return h.add(line) }

// HistoryFile returns the path of the history of a program.
var HistoryFile = historyFile
