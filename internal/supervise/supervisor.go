//go:build unix

package supervise

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/signals"
	"github.com/actionhero-go/actionhero/internal/terminal"
)

// supervisor is a running [Run]. Its loop alone reads and writes the fields below events.
type supervisor struct {
	Config
	sockets *Sockets
	running sync.WaitGroup // the processes, and the printer
	done    chan struct{}  // closed when the loop has ended
	say     printer
	events  chan func()

	slots    []*slot
	spare    []int // numbers that no process has
	up       bool  // a node was ready
	complete bool  // all nodes were ready
	stopping bool
	failed   bool // during the stop, a node did not stop in an orderly way
	result   error

	rolling  []*slot  // the slots whose nodes are still to be replaced; the first one has a successor that starts, or was just replaced
	retiring *process // the node that was replaced last, until it has ended
	again    bool     // a further rolling restart was asked for
}

// slot is the place of one node, which several processes take one after another.
type slot struct {
	number   int      // of the current process, or of the last one
	current  *process // nil: it waits to be started again
	next     *process // the successor of current, which is not ready yet
	failures int      // since a process was ready for long enough
	restart  *time.Timer
}

// Run starts the nodes and supervises them until all of them have ended after a stop. The first node starts alone: if it
// does not become ready, Run returns an [*ExitError] with its exit code, and the output of the node has the cause. Later,
// a node that ends is started again. If ctx ends, the nodes stop.
func Run(ctx context.Context, cfg Config) error {
	s := &supervisor{
		Config: cfg.withDefaults(), done: make(chan struct{}), events: make(chan func(), 16),
		sockets: NewSockets(cfg.withDefaults().Open),
	}
	s.say.start()
	defer s.say.end()
	for i := range s.Nodes {
		s.slots = append(s.slots, &slot{number: i + 1})
	}
	s.spare = []int{s.Nodes + 1}
	s.startSlot(s.slots[0])
	ending := ctx.Done()
	for !s.finished() {
		select {
		case event := <-s.events:
			event()
		case sig := <-s.Signals:
			s.signal(sig)
		case <-ending:
			ending = nil
			s.stop("the context has ended")
		}
	}
	close(s.done)
	s.sockets.CloseAll()
	s.running.Wait()
	if s.result == nil && s.failed {
		return &ExitError{Code: 1}
	}
	return s.result
}

// Signals returns a channel with the signals of this process for [Config], until the caller calls release. A write to a
// closed standard output is then an error, and does not end the process.
func Signals() (received <-chan os.Signal, hangupStops bool, release func()) {
	c, ignored := make(chan os.Signal, 8), make(chan os.Signal, 1)
	signals.Take(c)
	signal.Notify(c, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	signal.Notify(ignored, syscall.SIGPIPE)
	return c, terminal.Is(os.Stdin), func() {
		signal.Stop(c)
		signal.Stop(ignored)
	}
}

// post runs event in the loop. After the loop, it does nothing.
func (s *supervisor) post(event func()) {
	select {
	case s.events <- event:
	case <-s.done:
	}
}

func (s *supervisor) finished() bool { return (s.stopping || s.result != nil) && len(s.living()) == 0 }

// living returns the processes that have not ended.
func (s *supervisor) living() (list []*process) {
	for _, sl := range s.slots {
		list = append(list, sl.current, sl.next)
	}
	list = append(list, s.retiring)
	return slices.DeleteFunc(list, func(p *process) bool { return p == nil })
}

func (s *supervisor) signal(sig os.Signal) {
	switch {
	case sig == syscall.SIGUSR2:
		s.roll()
	case sig == syscall.SIGUSR1, sig == syscall.SIGHUP && !s.HangupStops:
		for _, p := range s.living() {
			if p.phase != starting { // it would end, because it does not handle the signal yet
				p.signal(sig)
			}
		}
	case s.stopping:
		for _, p := range s.living() {
			p.Kill("a second signal came")
		}
		s.result = &ExitError{Code: 130}
	default:
		signals.FreshLine(sig)
		s.stop(sig.String())
	}
}

// stop stops all nodes in an orderly way.
func (s *supervisor) stop(why string) {
	if s.stopping {
		return
	}
	s.stopping, s.rolling, s.again = true, nil, false
	s.say.info(s.Log, "stopping all nodes; a second signal ends at once", "signal", why)
	s.sockets.CloseAll()
	for _, sl := range s.slots {
		if sl.restart != nil {
			sl.restart.Stop()
		}
	}
	for _, p := range s.living() {
		if p.phase == leaving {
			continue // for it, a signal would be the second one
		}
		s.leave(p)
		p.signal(syscall.SIGTERM)
	}
}

// leave gives p the time for its stop.
func (s *supervisor) leave(p *process) {
	p.early = p.phase == starting
	p.enter(leaving)
	s.within(p, p.stopLimit, "it did not stop within "+p.stopLimit.String())
}

// startSlot starts a process in a slot that has none.
func (s *supervisor) startSlot(sl *slot) {
	p, err := s.launch(sl.number)
	if err != nil {
		s.startFailed(sl, fmt.Sprintf("the program %s cannot be executed: %v", s.Program, err), 1)
		return
	}
	sl.current = p
}

// ready records that p serves.
func (s *supervisor) ready(p *process, r Readiness) {
	if p.phase != starting || s.stopping {
		return
	}
	p.enter(serving)
	p.served = time.Now()
	if p.stopLimit = r.StopLimit; p.stopLimit <= 0 {
		p.stopLimit = s.StopLimit
	}
	if len(s.rolling) > 0 && s.rolling[0].next == p {
		s.promote(s.rolling[0])
		return
	}
	if s.complete {
		s.say.info(s.Log, nameOf(p.number)+" is ready again", "pid", p.PID())
		return
	}
	if !s.up {
		s.up = true
		s.say.text(s.Stdout, r.Text)
		for _, sl := range s.slots[1:] {
			s.startSlot(sl)
		}
	}
	s.checkComplete()
}

// checkComplete ends the start when all nodes are ready.
func (s *supervisor) checkComplete() {
	pids := make([]int, len(s.slots))
	for i, sl := range s.slots {
		if sl.current == nil || sl.current.phase != serving {
			return
		}
		pids[i] = sl.current.PID()
	}
	s.complete = true
	s.say.info(s.Log, "all nodes are ready", "nodes", len(pids), "pids", fmt.Sprint(pids))
	if s.again {
		s.roll()
	}
}

// ended records that the process of p has ended.
func (s *supervisor) ended(p *process) {
	was := p.phase
	p.enter(ended)
	if was == leaving && !p.orderly() {
		s.failed = s.failed || s.stopping
		s.say.warn(s.Log, nameOf(p.number)+" did not stop in an orderly way", "cause", p.Cause())
	}
	if p == s.retiring {
		s.retired()
		return
	}
	for _, sl := range s.slots {
		switch p {
		case sl.next:
			s.rollFailed(sl, p)
		case sl.current:
			s.died(sl, was)
		}
	}
}

// died records that the current process of a slot has ended. was is its phase before.
func (s *supervisor) died(sl *slot, was phase) {
	p := sl.current
	sl.current = nil
	if s.stopping || s.result != nil {
		return
	}
	if was == serving && time.Since(p.served) >= s.StableAfter {
		sl.failures = 0
	}
	if sl.next == nil {
		s.startFailed(sl, nameOf(p.number)+" has ended: "+p.Cause(), p.ExitCode())
		return
	}
	s.say.warn(s.Log, nameOf(p.number)+" has ended before its successor is ready", "cause", p.Cause())
}

// startFailed starts the process of a slot again after a pause. If no node was ready yet, it ends the supervisor.
func (s *supervisor) startFailed(sl *slot, cause string, code int) {
	if !s.up {
		s.result = &ExitError{Code: max(code, 1), Text: cause + ", before it was ready; no other node was started"}
		return
	}
	sl.failures++
	pause := s.delay(sl.failures)
	s.say.error(s.Log, cause, "startsAgainIn", pause.String(), "failures", sl.failures)
	sl.restart = time.AfterFunc(pause, func() {
		s.post(func() {
			if sl.current == nil && sl.next == nil && !s.stopping {
				s.startSlot(sl)
			}
		})
	})
}
