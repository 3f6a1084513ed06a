//go:build unix

package dev

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/supervise"
)

// process is a process of the app. Only the loop of dev uses it.
type process struct {
	*supervise.Child
	program string
	config  config
	change  change        // that it was started for
	built   time.Duration // zero: nothing was built
	again   bool          // it is the last program that served, because its successor has failed

	prepared bool // it waits for the backend
	follows  bool // another process has left for it
	leaving  bool // it was replaced, or must stop
	errors   *tail
	limit    *time.Timer // kills it if it does not start or stop in its time
}

// config is the content of the configuration file at some time.
type config struct {
	extension string // empty: there is no file
	text      []byte
}

// readConfig returns the content of the file of the configuration.
func (d *dev) readConfig() config {
	names := configNames
	if d.cfg.ConfigFile != "" {
		names = []string{d.cfg.ConfigFile}
	}
	for _, name := range names {
		if !filepath.IsAbs(name) {
			name = filepath.Join(d.cfg.Dir, name)
		}
		if text, err := os.ReadFile(name); err == nil {
			return config{filepath.Ext(name), text}
		}
	}
	return config{}
}

// args returns the arguments of a process. A process that starts again has the configuration with which it has served.
func (d *dev) args(p *process) []string {
	args := append([]string{"start"}, d.cfg.Args...)
	switch {
	case p.again && p.config.extension != "":
		name := filepath.Join(d.builder.folder, "config"+p.config.extension)
		if os.WriteFile(name, p.config.text, 0o600) == nil {
			return append(args, "--config", name)
		}
	case d.cfg.ConfigFile != "":
		return append(args, "--config", d.cfg.ConfigFile)
	}
	return args
}

// launch starts a process as the successor of the current one.
func (d *dev) launch(p *process) {
	if !p.again {
		p.config = d.readConfig()
	}
	p.errors = &tail{}
	number := 1
	if d.started {
		number = 2
	}
	child, err := supervise.StartChild(supervise.ChildConfig{
		Number: number, Alone: true, Program: p.program, Args: d.args(p), Env: d.env, Dir: d.cfg.Dir,
		Stdout: d.cfg.Stdout, Stderr: io.MultiWriter(d.cfg.Stderr, p.errors), Sockets: d.sockets,
		Prepared: func() { d.post(func() { d.prepared(p) }) },
		Ready:    func(r supervise.Readiness) { d.post(func() { d.ready(p, r) }) },
		Ended:    func() { d.post(func() { d.ended(p) }) },
	})
	if err != nil {
		d.failed(p, "The app cannot be executed\n\n"+err.Error())
		return
	}
	p.Child, d.next = child, p
	d.within(p, d.cfg.StartLimit, "it was not ready within "+d.cfg.StartLimit.String())
}

// within kills p when the limit has passed, unless a further call of within or the end of p comes first.
func (d *dev) within(p *process, limit time.Duration, why string) {
	if p.limit != nil {
		p.limit.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(limit, func() {
		d.post(func() {
			if p.limit == timer {
				d.print.say(red, "process %d is killed, because %s", p.PID(), why)
				p.Kill(why)
			}
		})
	})
	p.limit = timer
}

// tail keeps the end of what a process has written to standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - maxTail; extra > 0 {
		t.text = t.text[extra:]
	}
	return len(p), nil
}

// String returns the text from the last panic on, or all of it.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text
	for _, mark := range []string{"panic: ", "fatal error: "} {
		if i := bytes.LastIndex(text, []byte("\n"+mark)); i >= 0 {
			text = text[i+1:]
		}
	}
	return strings.TrimSpace(string(text))
}
