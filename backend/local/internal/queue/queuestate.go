package queue

import (
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// counts has the number of jobs in each state. The index is the state.
type counts [backend.Dead + 1]int

// queueState is the state of one named queue: its due jobs, its counts and its watchers.
type queueState struct {
	priorities []priorityList // the due jobs in one list for each priority, by falling priority; no list is empty
	crashed    list           // the due jobs that are dead after one more crash; they are fetched first, one at a time
	unknown    list           // the due jobs of tasks that the last Fetch did not know
	known      []string       // the tasks that the Fetch knew that has set these jobs aside
	counts     counts
	watchers   []*watcher
}

// priorityList has the due jobs of one queue and one priority, in the order in which the jobs became due.
type priorityList struct {
	priority int8
	list
}

// listFor returns the list of due jobs with this priority. If the list does not exist, listFor adds an empty one.
func (q *queueState) listFor(priority int8) *priorityList {
	i, ok := slices.BinarySearchFunc(q.priorities, priority, func(l priorityList, p int8) int { return int(p) - int(l.priority) })
	if !ok {
		q.priorities = slices.Insert(q.priorities, i, priorityList{priority: priority})
	}
	return &q.priorities[i]
}

// removeDue removes the due job i from the list of its priority, and removes that list if it is empty now.
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
