//go:build unix

package supervise

import (
	"fmt"
	"slices"
)

// roll replaces all nodes, one after another. While nodes start for the first time, or a rolling restart runs, it is
// done afterwards.
func (s *supervisor) roll() {
	if s.stopping || s.result != nil {
		return
	}
	if s.again = !s.complete || len(s.rolling) > 0; s.again {
		return
	}
	s.say.info(s.Log, "the rolling restart begins", "nodes", len(s.slots))
	s.rolling = slices.Clone(s.slots)
	s.replaceNext()
}

// replaceNext starts the successor of the next node, with the spare number. After the last one, it ends the rolling
// restart.
func (s *supervisor) replaceNext() {
	if len(s.rolling) == 0 {
		s.say.info(s.Log, "the rolling restart is done")
		s.sockets.CloseUnused()
		if s.again {
			s.roll()
		}
		return
	}
	sl := s.rolling[0]
	if sl.restart != nil {
		sl.restart.Stop()
	}
	p, err := s.launch(s.spare[0])
	if err != nil {
		s.abandonRoll(sl, fmt.Sprintf("the program %s cannot be executed: %v", s.Program, err))
		return
	}
	s.spare, sl.next = s.spare[1:], p
}

// promote makes the successor of a node, which is ready, the current one, and lets the old one leave.
func (s *supervisor) promote(sl *slot) {
	old := sl.current
	s.spare = append(s.spare, sl.number)
	sl.current, sl.next, sl.number, sl.failures = sl.next, nil, sl.next.number, 0
	if old == nil {
		s.retired()
		return
	}
	s.say.info(s.Log, nameOf(sl.number)+" takes the place of "+nameOf(old.number), "pid", sl.current.PID())
	s.retiring = old
	s.leave(old)
	if err := old.Replace(); err != nil || old.early { // it has nothing to finish
		old.Kill("it was replaced")
	}
}

// retired goes on after the last replaced node has ended.
func (s *supervisor) retired() {
	s.retiring = nil
	if !s.stopping && s.result == nil {
		s.rolling = s.rolling[1:]
		s.replaceNext()
	}
}

// rollFailed records that p, the successor of a node, has ended before it was ready.
func (s *supervisor) rollFailed(sl *slot, p *process) {
	sl.next = nil
	s.spare = append(s.spare, p.number)
	if !s.stopping && s.result == nil {
		s.abandonRoll(sl, nameOf(p.number)+" has ended before it was ready: "+p.Cause())
	}
}

// abandonRoll ends a rolling restart. The nodes that were not replaced serve on.
func (s *supervisor) abandonRoll(sl *slot, cause string) {
	left := len(s.rolling)
	s.rolling, s.again = nil, false
	s.say.error(s.Log, "the rolling restart is abandoned; the other nodes serve on", "cause", cause, "notReplaced", left)
	if sl.current == nil {
		s.startFailed(sl, nameOf(sl.number)+" is not running", 1)
	}
}
