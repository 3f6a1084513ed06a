package dev

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/generate"
)

// builder builds the program of an app.
type builder struct {
	dir    string   // of the app
	pkg    string   // the main package, such as "."
	folder string   // for the programs
	flags  []string // of the compiler
	env    []string
	tree   *tree
	count  int
}

// built is the outcome of a build.
type built struct {
	program string // empty: it has failed
	took    time.Duration
	failure string // lines with file, line and column
	notes   []string
}

// build writes the lists of parts, as `actionhero sync` does, and compiles the program. Each program has a path of its own,
// because the one before still runs.
func (b *builder) build(ctx context.Context) (out built) {
	begun := time.Now()
	defer func() { out.took = time.Since(begun) }()
	notes, wrong := b.sync()
	out.notes = notes
	b.count++
	program := filepath.Join(b.folder, strconv.Itoa(b.count), filepath.Base(b.dir))
	text, err := b.compile(ctx, program)
	switch {
	case err != nil && wrong != nil && !strings.Contains(text, strings.TrimSpace(wrong.Error())):
		out.failure = text + "\n" + wrong.Error()
	case err != nil:
		out.failure = text
	case wrong != nil:
		out.failure = wrong.Error()
	default:
		out.program = program
		return out
	}
	b.remove(program)
	return out
}

// sync writes the lists of the parts of the app, if it has lists.
func (b *builder) sync() (notes []string, err error) {
	if !generate.HasLists(b.dir) {
		return nil, nil
	}
	b.tree.write(func() (names []string) {
		var synced generate.Synced
		synced, err = generate.Sync(b.dir, false)
		for _, f := range synced.Files {
			if f.Outcome == generate.Wrote || f.Outcome == generate.Renewed {
				names = append(names, filepath.Join(b.dir, filepath.FromSlash(f.Path)))
			}
		}
		notes = synced.Notes
		return names
	})
	return notes, err
}

// compile runs go build. The text is its output, in which each path is relative to the folder of the app.
func (b *builder) compile(ctx context.Context, program string) (text string, err error) {
	if err := os.MkdirAll(filepath.Dir(program), 0o700); err != nil {
		return err.Error(), err
	}
	args := slices.Concat([]string{"build", "-buildvcs=false", "-o", program}, b.flags, []string{b.pkg})
	cmd := exec.CommandContext(ctx, "go", args...)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = b.dir, b.env, &out, &out, time.Second
	killGroup(cmd)
	err = cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "Go is not on the path: install it from https://go.dev", err
	}
	if text = clean(out.String()); err != nil && text == "" {
		text = fmt.Sprintf("go build: %v", err)
	}
	return text, err
}

// linkFlags returns the flags with which the linker leaves out what only debuggers read. That is a third of the time of a
// build. There are none if the user has flags for the linker: those of a command line would replace them.
func linkFlags(goflags string) []string {
	if strings.Contains(goflags, "-ldflags") {
		return nil
	}
	return []string{"-ldflags=-w"}
}

// clean removes the lines with the names of packages, and makes the paths of files clickable.
func clean(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); !strings.HasPrefix(line, "# ") {
			lines = append(lines, strings.TrimPrefix(line, "./"))
		}
	}
	return strings.Join(lines, "\n")
}

// remove removes a program that no process needs.
func (b *builder) remove(program string) {
	_ = os.RemoveAll(filepath.Dir(program)) // the folder of all programs goes at the end
}
