package queue

import (
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// counts is the number of jobs in each state.
type counts [backend.Dead + 1]int

// queueState is the due jobs of one queue name.
type queueState struct {
	lines    []line // by falling priority; none is empty
	suspects list
	counts   counts
	watchers []*watcher
}

// line is the due jobs of one priority, in the order in which they became due.
type line struct {
	priority int8
	list
}

// line returns the line of a priority, which is made if it is not there.
func (l *queueState) line(priority int8) *line {
	i, ok := slices.BinarySearchFunc(l.lines, priority, func(l line, p int8) int { return int(p) - int(l.priority) })
	if !ok {
		l.lines = slices.Insert(l.lines, i, line{priority: priority})
	}
	return &l.lines[i]
}

// unline takes out i, which is in the line of its priority.
func (l *queueState) unline(s *slab, i slot) {
	p := l.line(s.at(i).priority)
	if p.remove(s, i); p.n == 0 {
		n := slices.IndexFunc(l.lines, func(x line) bool { return x.priority == p.priority })
		l.lines = slices.Delete(l.lines, n, n+1)
	}
}
