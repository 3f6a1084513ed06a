//go:build unix

package supervise

import (
	"os"
	"time"
)

// phase is what a process does, as far as its supervisor knows.
type phase int

const (
	starting phase = iota
	serving        // it has said that it is ready
	leaving        // it was replaced, or must stop
	ended
)

// process is a process of a node.
type process struct {
	*Child
	number int

	// The loop of the supervisor owns these, and Child.killed.
	phase     phase
	limit     *time.Timer // kills a process that does not start or stop in its time; nil: none
	early     bool        // it has to stop before it was ready
	stopLimit time.Duration
	served    time.Time // when it became ready
}

// launch starts a process with the number. The supervisor's loop learns what becomes of the process.
func (s *supervisor) launch(number int) (*process, error) {
	out, errs := &lineWriter{out: s.Stdout, number: number}, &lineWriter{out: s.Stderr, number: number}
	p := &process{number: number, stopLimit: s.StopLimit}
	s.running.Add(1)
	child, err := StartChild(ChildConfig{
		Number: number, Program: s.Program, Args: s.Args, Env: s.Env, Stdout: out, Stderr: errs, Sockets: s.sockets,
		Ready: func(r Readiness) { s.post(func() { s.ready(p, r) }) },
		Ended: func() {
			defer s.running.Done()
			out.end()
			errs.end()
			s.post(func() { s.ended(p) })
		},
	})
	if err != nil {
		s.running.Done()
		return nil, err
	}
	p.Child = child
	if s.StartLimit > 0 {
		s.within(p, s.StartLimit, "it was not ready within "+s.StartLimit.String())
	}
	return p, nil
}

// within kills p if it is still in its present phase when the time limit ends. why completes the sentence "killed:".
func (s *supervisor) within(p *process, limit time.Duration, why string) {
	now := p.phase
	p.limit = time.AfterFunc(limit, func() {
		s.post(func() {
			if p.phase == now {
				p.Kill(why)
			}
		})
	})
}

// enter ends the present phase of p with its time limit.
func (p *process) enter(next phase) {
	p.phase = next
	if p.limit != nil {
		p.limit.Stop()
	}
}

// signal sends a signal to p, if it has not ended.
func (p *process) signal(sig os.Signal) {
	if p.phase != ended {
		p.Signal(sig)
	}
}

// orderly reports whether p has ended as a stop should end.
func (p *process) orderly() bool {
	return p.early || p.killed == "" && p.ExitCode() == 0
}
