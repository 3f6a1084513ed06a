package worker

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
)

// maxWeight is the maximum weight of a queue in Config.Queues.
const maxWeight = 1_000_000

// queues holds the names and weights of the queues that a producer fetches from.
type queues struct {
	node    string // the queue of this node, which always comes first
	list    []weightedQueue
	ordered []string // reused by order
}

type weightedQueue struct {
	name   string
	weight float64
	rank   float64
}

func newQueues(node string, weights map[string]int) *queues {
	q := &queues{node: node}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		q.list = append(q.list, weightedQueue{name: name, weight: float64(weights[name])})
	}
	return q
}

func (q *queues) names() []string {
	names := []string{q.node}
	for i := range q.list {
		names = append(names, q.list[i].name)
	}
	return names
}

// order returns the names of the queues in the order in which a fetch looks for jobs. The queue of the node is first;
// the others follow in a random order. For each position, a queue is drawn from the remaining queues with a probability
// in proportion to its weight. The algorithm is from Efraimidis and Spirakis, "Weighted random sampling with a
// reservoir". The returned slice is valid until the next call.
func (q *queues) order() []string {
	if len(q.list) > 1 {
		for i := range q.list {
			q.list[i].rank = rand.ExpFloat64() / q.list[i].weight
		}
		slices.SortFunc(q.list, func(a, b weightedQueue) int { return cmp.Compare(a.rank, b.rank) })
	}
	q.ordered = append(q.ordered[:0], q.node)
	for i := range q.list {
		q.ordered = append(q.ordered, q.list[i].name)
	}
	return q.ordered
}
