package redis

import (
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// heldRuns has the runs of this node, from the answer of a Take to the answer of a Finish.
type heldRuns struct {
	changing gate // each Take and each Finish enters it; closed while no other call may start or end runs

	risky *riskyRun

	mu       sync.Mutex
	nodes    map[backend.Run]string // the value is the node of the FetchRequest
	doubtful bool                   // an answer was lost, or the server has another number of runs
}

func (h *heldRuns) init(risky *riskyRun) {
	h.risky, h.nodes = risky, make(map[backend.Run]string)
}

// riskyRun is the run of this node whose job has one crash left. Only one job of this kind runs at a time, so that the job that
// crashes the process is known, and no other one dies with it.
type riskyRun struct {
	mu     sync.Mutex
	run    backend.Run // zero: there is none
	taking bool        // a Take is under way that may start one
	ended  func()      // is called after the end of the run
}

// begin reports whether a Take that begins now may start a job of this kind. The caller calls took afterwards.
func (r *riskyRun) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taking || r.run != (backend.Run{}) {
		return false
	}
	r.taking = true
	return true
}

// took stores the run that the Take has started, or the zero value.
func (r *riskyRun) took(run backend.Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run, r.taking = run, false
}

// free reports whether a Take may start a job of this kind.
func (r *riskyRun) free() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.taking && r.run == (backend.Run{})
}

// end notes the end of a run.
func (r *riskyRun) end(run backend.Run) {
	r.mu.Lock()
	was := run == r.run
	if was {
		r.run = backend.Run{}
	}
	r.mu.Unlock()
	if was {
		r.ended()
	}
}

func (h *heldRuns) add(run backend.Run, node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nodes[run] = node
}

func (h *heldRuns) remove(run backend.Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.nodes, run)
	h.risky.end(run)
}

func (h *heldRuns) has(run backend.Run) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.nodes[run]
	return ok
}

// doubt makes the next pulse call reconcile.
func (h *heldRuns) doubt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubtful = true
}

func (h *heldRuns) settled() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubtful = false
}

// check returns the number of runs, and whether there is a doubt.
func (h *heldRuns) check() (n int, doubtful bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.nodes), h.doubtful
}

// all returns a copy.
func (h *heldRuns) all() map[backend.Run]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[backend.Run]string, len(h.nodes))
	for run, node := range h.nodes {
		all[run] = node
	}
	return all
}

// missing removes and returns the runs that are not in the set.
func (h *heldRuns) missing(there map[backend.Run]bool) (missing []backend.Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for run := range h.nodes {
		if !there[run] {
			missing = append(missing, run)
			delete(h.nodes, run)
			h.risky.end(run)
		}
	}
	return missing
}

// clear removes and returns all runs.
func (h *heldRuns) clear() (all []backend.Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for run := range h.nodes {
		all = append(all, run)
		h.risky.end(run)
	}
	h.nodes, h.doubtful = make(map[backend.Run]string), false
	return all
}
