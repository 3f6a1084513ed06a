package worker

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
)

// maxWeight is the greatest weight of a queue.
const maxWeight = 1_000_000

// queues are those that a shift serves.
type queues struct {
	own     string // this node's own, which always comes first
	list    []weighted
	ordered []string // reused
}

type weighted struct {
	name   string
	weight float64
	rank   float64
}

func newQueues(own string, weights map[string]int) *queues {
	q := &queues{own: own}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		q.list = append(q.list, weighted{name: name, weight: float64(weights[name])})
	}
	return q
}

func (q *queues) names() []string {
	names := []string{q.own}
	for i := range q.list {
		names = append(names, q.list[i].name)
	}
	return names
}

// order returns the queues in a random order: of those not yet placed, each comes next with a probability in
// proportion to its weight. The result is valid until the next call.
func (q *queues) order() []string {
	if len(q.list) > 1 {
		for i := range q.list {
			q.list[i].rank = rand.ExpFloat64() / q.list[i].weight
		}
		slices.SortFunc(q.list, func(a, b weighted) int { return cmp.Compare(a.rank, b.rank) })
	}
	q.ordered = append(q.ordered[:0], q.own)
	for i := range q.list {
		q.ordered = append(q.ordered, q.list[i].name)
	}
	return q.ordered
}
