//go:build unix

package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/devpage"
	"github.com/actionhero-go/actionhero/internal/signals"
	"github.com/actionhero-go/actionhero/internal/supervise"
)

// Supported reports whether [Run] works on this system.
const Supported = true

// dev is a running [Run]. Its loop alone reads and writes the fields below events.
type dev struct {
	cfg     Config
	env     []string // of the app and of the compiler
	print   *printer
	sockets *supervise.Sockets
	builder *builder
	tree    *tree
	done    chan struct{} // closed when the loop has ended
	events  chan func()

	current *process           // that serves, or leaves for next; nil: none
	next    *process           // that starts; nil: none
	good    *process           // the last one that has served
	latest  string             // the last program that was built; empty: the source does not compile
	work    change             // that is built, or that next was started for
	pending change             // that came meanwhile
	cancel  context.CancelFunc // of the build that runs; nil: none runs
	notes   string             // of the last build

	loads   int    // of pages
	failure string // why the present state of the source does not run; empty: it runs
	front   *front // nil: the app serves
	fronts  []*front
	pages   *devpage.Pages // of the front

	stopping bool
	stopped  time.Time // when it began to stop
	started  bool      // the app has served
}

// Run develops the app in cfg.Dir until ctx or a signal ends it. Then it stops the app in an orderly way, and returns nil.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	cfg.Dir = resolved(cfg.Dir)
	if cfg.ConfigFile != "" {
		cfg.ConfigFile = filepath.Join(resolved(filepath.Dir(cfg.ConfigFile)), filepath.Base(cfg.ConfigFile))
	}
	if cfg.Package == "" {
		var err error
		if cfg.Package, err = mainPackage(cfg.Dir); err != nil {
			return err
		}
	}
	folder, release, err := makeFolder(os.TempDir())
	if err != nil {
		return fmt.Errorf("the folder of the programs cannot be made: %w", err)
	}
	defer release()
	env := append(os.Environ(), "PWD="+cfg.Dir)
	d := &dev{
		cfg: cfg, env: env, print: &printer{out: cfg.Stdout, colours: cfg.Colours}, tree: newTree(cfg.Dir, cfg.ConfigFile, sourceRoots(ctx, cfg.Dir, env)),
		sockets: supervise.NewSockets(supervise.Listen), done: make(chan struct{}), events: make(chan func(), 16),
	}
	flags := linkFlags(goOutput(ctx, cfg.Dir, env, "env", "GOFLAGS"))
	d.builder = &builder{dir: cfg.Dir, pkg: cfg.Package, folder: folder, flags: flags, env: env, tree: d.tree}
	defer d.sockets.CloseAll()
	if err := d.listen(); err != nil {
		return err
	}
	stopWatching := d.watch()
	defer stopWatching()
	d.print.say(plain, "building; a change of the source builds again, Ctrl+C stops")
	d.changed(change{kind: build, at: time.Now()})
	d.loop(ctx)
	for _, f := range d.fronts {
		f.wait()
	}
	return nil
}

// watch begins to watch the files of the app.
func (d *dev) watch() (stop func()) {
	w := &watcher{
		tree: d.tree, poll: d.cfg.Poll, note: func(text string) { d.print.say(plain, "%s", text) },
		found: func(c change) { d.post(func() { d.changed(c) }) },
	}
	w.start()
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { w.run(ctx) })
	return func() {
		cancel()
		watching.Wait()
	}
}

// loop runs the events until all processes have ended after a stop.
func (d *dev) loop(ctx context.Context) {
	defer close(d.done)
	received := make(chan os.Signal, 4)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // the last one: the terminal has closed
	defer signal.Stop(received)
	ending := ctx.Done()
	for !d.stopping || d.current != nil || d.next != nil || d.cancel != nil {
		select {
		case event := <-d.events:
			event()
		case <-ending:
			ending = nil
			d.freshLine(signals.Cause(ctx))
			d.stop()
		case sig := <-received:
			d.freshLine(sig)
			d.stop()
		}
	}
}

// freshLine prepares the terminal for the line that stop writes.
func (d *dev) freshLine(sig os.Signal) {
	if !d.stopping {
		signals.FreshLine(sig)
	}
}

// post runs event in the loop. After the loop, it does nothing.
func (d *dev) post(event func()) {
	select {
	case d.events <- event:
	case <-d.done:
	}
}

// listen opens the ports that the configuration names, so that no connection is refused from now on.
func (d *dev) listen() error {
	ports, wrong := d.cfg.Ports(d.cfg.ConfigFile)
	for _, p := range ports {
		err := d.sockets.Open(p.Name, "tcp", p.Address)
		if wrong != nil {
			continue // the app will report the error, and the port was a guess
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("the port of %s is in use (%s): stop the program that listens there, or choose another %s", p.Name, p.Address, p.Name)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be opened: %w", p.Name, err)
		}
	}
	return nil
}

// changed begins what a change asks for.
func (d *dev) changed(c change) {
	if d.stopping {
		return
	}
	if c.kind == reload {
		d.loads++
		d.tell()
		d.print.say(plain, "%s changed: pages load again", c.subject())
		return
	}
	d.pending = d.pending.join(c)
	d.advance()
}

// advance begins what the pending changes ask for, as soon as nothing else is under way.
func (d *dev) advance() {
	switch {
	case d.stopping, d.pending.kind == nothing, d.next != nil:
		return
	case d.cancel != nil: // the program is built from files that are out of date; the end of the build goes on
		if d.pending.kind == build {
			d.cancel()
		}
		return
	}
	d.work, d.pending = d.pending, change{}
	d.tell()
	if d.work.kind == restart && d.latest != "" {
		d.launch(&process{program: d.latest, change: d.work})
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go func() {
		out := d.builder.build(ctx)
		d.post(func() { d.built(ctx, out) })
	}()
}

// built goes on after a build.
func (d *dev) built(ctx context.Context, out built) {
	canceled := ctx.Err() != nil
	d.cancel()
	d.cancel = nil
	if canceled || d.stopping {
		d.pending = d.work.join(d.pending)
		d.advance()
		return
	}
	if notes := strings.Join(out.notes, "\n"); notes != d.notes {
		for _, note := range out.notes {
			d.print.say(plain, "note: %s", note)
		}
		d.notes = notes
	}
	if d.latest != "" && (d.good == nil || d.good.program != d.latest) {
		d.builder.remove(d.latest) // it never became ready
	}
	if out.program == "" {
		d.latest = ""
		d.print.say(red, "%s: the build fails after %s%s", d.work.subject(), span(out.took), d.servesOn())
		d.print.text(out.failure)
		d.fail("The app does not build\n\n" + out.failure)
		return
	}
	d.latest = out.program
	d.launch(&process{program: out.program, change: d.work, built: out.took})
}

// servesOn says what goes on after a failure.
func (d *dev) servesOn() string {
	if d.current == nil {
		return ""
	}
	return "; the last program that works serves on"
}

// fail shows why the present state of the source does not run.
func (d *dev) fail(text string) {
	if d.failure = text; d.cancel == nil && d.next == nil {
		d.work = change{}
	}
	if d.current == nil {
		d.openFront()
	}
	d.tell()
	d.advance()
}

// openFront answers requests with the failure, because no process of the app runs.
func (d *dev) openFront() {
	if d.front != nil {
		d.pages.Set(d.loads, d.failure)
		return
	}
	stopping := make(chan struct{})
	d.pages = devpage.New(func() <-chan struct{} { return stopping })
	d.pages.Set(d.loads, d.failure)
	front, err := openFront(d.sockets, d.pages, stopping)
	if err != nil {
		d.print.say(red, "no page shows this: %v", err)
	}
	d.front, d.fronts = front, append(d.fronts, front)
}

func (d *dev) closeFront() {
	if d.front != nil {
		d.front.close()
		d.front = nil
	}
}

// maxShown bounds the part of a failure that pages show, in bytes.
const maxShown = 8 << 10

// tell sends the news to the process that serves, and to the pages of the front.
func (d *dev) tell() {
	shown := d.failure
	if len(shown) > maxShown {
		shown = strings.ToValidUTF8(shown[:maxShown], "") + "\n…"
	}
	if d.front != nil {
		d.pages.Set(d.loads, shown)
	}
	if d.current != nil && !d.current.leaving {
		_ = d.current.Tell(supervise.News{Building: d.work.kind != nothing, Pages: d.loads, Failure: shown}) // one that cannot be reached ends
	}
}

// twice is the time in which a second signal is the same as the first one: "go tool" passes on what the terminal has sent to
// this process, too.
const twice = time.Second

// stop stops everything. A further call ends the processes at once.
func (d *dev) stop() {
	if d.stopping {
		if time.Since(d.stopped) > twice {
			d.killAll()
		}
		return
	}
	d.stopping, d.stopped = true, time.Now()
	d.print.say(plain, "stopping; a second signal ends at once")
	d.closeFront()
	if d.cancel != nil {
		d.cancel()
	}
	for _, p := range []*process{d.current, d.next} {
		if p != nil {
			d.end(p)
		}
	}
}

func (d *dev) killAll() {
	for _, p := range []*process{d.current, d.next} {
		if p != nil {
			p.Kill("a second signal came")
		}
	}
}

// end asks p to stop.
func (d *dev) end(p *process) {
	if !p.leaving {
		p.leaving = true
		p.Signal(syscall.SIGTERM)
	}
	d.within(p, d.cfg.StopLimit, "it did not stop within "+d.cfg.StopLimit.String())
}
