package sendqueue

import (
	"cmp"
	"container/heap"
	"net/netip"
	"slices"
)

// spare is the part of the limit that Relieve frees below the limit. Without it, each further message to a client that
// does not read would make Relieve look at all queues again.
const spare = 64

// Relieve cuts holders if the budget is exceeded, until one part in spare of the limit is free. Each time, it cuts the
// holder with the most bytes of the address whose holders have the most bytes. The caller must hold no lock that
// Holder.Held or Holder.Cut needs. If another goroutine is in Relieve, Relieve returns at once, and that goroutine cuts for
// both.
func (b *Budget) Relieve() {
	for b.used.Load() > b.limit && b.relieving.TryLock() {
		cut := b.relieve()
		b.relieving.Unlock()
		if !cut {
			return
		}
		// Another goroutine may have exceeded the limit again, and returned because this one was in Relieve.
	}
}

// relieve does the work of Relieve. It returns false if there was nothing to cut.
func (b *Budget) relieve() (cut bool) {
	all := addressesOf(b.holders())
	for len(all) > 0 && b.used.Load() > b.limit-b.limit/spare {
		cut = true
		if all[0].cutLongest(); len(all[0].holders) == 0 {
			heap.Pop(&all)
		} else {
			heap.Fix(&all, 0)
		}
	}
	return cut
}

// address is the holders of one client address.
type address struct {
	holders []held // sorted by cutLongest
	sum     int
	sorted  bool
}

// held is a holder and its bytes.
type held struct {
	Holder
	bytes int
}

// cutLongest cuts the holder with the most bytes and removes it from the address.
func (a *address) cutLongest() {
	if !a.sorted {
		slices.SortFunc(a.holders, func(x, y held) int { return cmp.Compare(x.bytes, y.bytes) })
		a.sorted = true
	}
	last := len(a.holders) - 1
	a.holders[last].Cut()
	a.sum -= a.holders[last].bytes
	a.holders = a.holders[:last]
}

// addresses is a heap of addresses, the one with the most bytes first.
type addresses []*address

// addressesOf returns the addresses of the holders that hold bytes. A holder without an address is alone, because
// it is not known which others belong to its client.
func addressesOf(holders []Holder) addresses {
	byClient := map[netip.Prefix]*address{}
	var all addresses
	for _, h := range holders {
		n, client := h.Held(), h.Client()
		if n == 0 {
			continue
		}
		a := byClient[client]
		if a == nil || !client.IsValid() {
			a = new(address)
			byClient[client] = a
			all = append(all, a)
		}
		a.holders, a.sum = append(a.holders, held{h, n}), a.sum+n
	}
	heap.Init(&all)
	return all
}

func (a addresses) Len() int           { return len(a) }
func (a addresses) Less(i, j int) bool { return a[i].sum > a[j].sum }
func (a addresses) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *addresses) Push(x any) { *a = append(*a, x.(*address)) }

// Pop implements heap.Interface.
func (a *addresses) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}
