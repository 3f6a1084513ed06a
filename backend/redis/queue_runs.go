package redis

import (
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// heldRuns has the runs of this node, from the answer of a Take to the answer of a Finish.
type heldRuns struct {
	changing gate // each Take and each Finish enters it; closed while no other call may start or end runs

	mu       sync.Mutex
	nodes    map[backend.Run]string // the value is the node of the FetchRequest
	doubtful bool                   // an answer was lost, or the server has another number of runs
}

func (h *heldRuns) init() { h.nodes = make(map[backend.Run]string) }

func (h *heldRuns) add(run backend.Run, node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nodes[run] = node
}

func (h *heldRuns) remove(run backend.Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.nodes, run)
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
	}
	h.nodes, h.doubtful = make(map[backend.Run]string), false
	return all
}
