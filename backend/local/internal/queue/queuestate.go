package queue

import (
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// counts is the number of jobs in each state.
type counts [backend.Dead + 1]int

// queueState is the state of one named queue.
type queueState struct {
	priorities []priorityList // due jobs, by falling priority; no list is empty
	crashed    list           // due jobs with one crash left; they are fetched first, one at a time
	counts     counts
	watchers   []*watcher
}

// priorityList has the due jobs of one priority, in the order in which they became due.
type priorityList struct {
	priority int8
	list
}

// listFor returns the list of a priority, and adds it if it does not exist.
func (q *queueState) listFor(priority int8) *priorityList {
	i, ok := slices.BinarySearchFunc(q.priorities, priority, func(l priorityList, p int8) int { return int(p) - int(l.priority) })
	if !ok {
		q.priorities = slices.Insert(q.priorities, i, priorityList{priority: priority})
	}
	return &q.priorities[i]
}

// removeDue removes i from the list of its priority.
func (q *queueState) removeDue(s *slab, i slot) {
	p := q.listFor(s.at(i).priority)
	if p.remove(s, i); p.n == 0 {
		n := slices.IndexFunc(q.priorities, func(l priorityList) bool { return l.priority == p.priority })
		q.priorities = slices.Delete(q.priorities, n, n+1)
	}
}

func (q *queueState) notify() {
	for _, w := range q.watchers {
		w.notify()
	}
}
