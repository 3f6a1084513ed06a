package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// scales holds the measurements of the flag -scale.
var scales = map[string]func(context.Context, *scale) error{"files": files, "actions": actions, "idle": idle}

// scale has what the measurement of a scale needs.
type scale struct {
	passes   int
	slice    time.Duration
	dir      string // a folder of its own, deleted at the end
	ours     string // the program of this server; the program of the other checkout has the suffix proc.BaseSuffix
	noStarts bool   // measure no starts of servers
	base     bool   // there is another checkout
}

func runScale(ctx context.Context, name string, passes int, slice time.Duration, base string) error {
	measure, ok := scales[name]
	if !ok {
		return fmt.Errorf("there is no scale %q", name)
	}
	if err := withScale(ctx, passes, slice, base, func(l *scale) error { return measure(ctx, l) }); err != nil {
		return err
	}
	fmt.Printf("%s, %s, %d slices of %v each, %s\n", runtime.Version(), runtime.GOARCH, passes, slice, time.Now().Format(time.DateOnly))
	return nil
}

// withScale builds this server, and the one of the checkout base if that is not empty, and calls measure on one processor.
func withScale(ctx context.Context, passes int, slice time.Duration, base string, measure func(*scale) error) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := &scale{passes: passes, slice: slice, dir: dir, ours: filepath.Join(dir, "actionhero"), base: base != ""}
	if err := proc.Build(ctx, "..", "./cmd/actionhero", l.ours); err != nil {
		return err
	}
	if l.base {
		if err := proc.Build(ctx, base, "./cmd/actionhero", l.ours+proc.BaseSuffix); err != nil {
			return err
		}
	}
	return pinned(func() error { return measure(l) })
}

// withBase returns names, followed by the name of this server in the other checkout, if there is one.
func (l *scale) withBase(names ...string) []string {
	if l.base {
		return append(names, "actionhero"+proc.BaseSuffix)
	}
	return names
}

// table measures the targets and prints their table under a title.
func (l *scale) table(title string, targets []slices.Target) error {
	results, err := slices.Run(targets, l.passes, l.slice)
	if err != nil {
		return err
	}
	report(title, results)
	return nil
}

// serve starts one of the servers in peers, by its name.
func (l *scale) serve(ctx context.Context, name string, env ...string) (*proc.Server, error) {
	addr, err := proc.FreeAddr()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return proc.Start(ctx, name, addr, env, self, "-serve", name, "-addr", addr)
}
