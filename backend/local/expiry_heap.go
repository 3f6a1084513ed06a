package local

// expiryHeap is a binary min-heap of the items that can expire, by the clock time at which to check the item. Each item
// knows its index in the heap, so an item that is deleted or no longer expires is removed at once. If a new item with a
// later expiry replaces an old item, the new item takes over the index and the check time of the old item. The new item
// moves in the heap only when that check time has come. A key that is written often and does not expire in between
// therefore costs next to nothing.
type expiryHeap []heapEntry

type heapEntry struct {
	at int64 // the clock time at which to check the item: the expiry of the item or earlier
	it *item
}

// nextAt returns the clock time at which to check the first item of the heap. No item of the heap expires before that
// time. If the heap is empty, nextAt returns the constant never.
func (h expiryHeap) nextAt() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

// replace replaces the item old in the heap with a new item. Each of the two items may be nil or an item that never
// expires; an item of this kind is not in the heap.
func (h *expiryHeap) replace(old, it *item) {
	has, will := old != nil && old.heapIndex >= 0, it != nil && it.expires != never
	switch {
	case has && will:
		i := int(old.heapIndex)
		if at := (*h)[i].at; at <= it.expires { // nothing moves, so the neighbours, which are cold memory, need no look
			h.setAt(i, heapEntry{at, it})
		} else {
			h.fix(i, heapEntry{it.expires, it})
		}
	case has:
		last := len(*h) - 1
		moved := (*h)[last]
		(*h)[last] = heapEntry{}
		*h = (*h)[:last]
		if int(old.heapIndex) < last {
			h.fix(int(old.heapIndex), moved)
		}
		h.shrink()
	case will:
		*h = append(*h, heapEntry{})
		h.fix(len(*h)-1, heapEntry{it.expires, it})
	}
}

// postpone sets the check time of an item to the expiry of the item, and moves the item in the heap accordingly. It is
// called when the old check time has come.
func (h *expiryHeap) postpone(it *item) { h.fix(int(it.heapIndex), heapEntry{it.expires, it}) }

// fix stores the entry e in the heap. The position i must be free; fix moves the free position up or down the heap
// until it is the position for e.
func (h *expiryHeap) fix(i int, e heapEntry) {
	s := *h
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent].at <= e.at {
			break
		}
		s.setAt(i, s[parent])
		i = parent
	}
	for {
		child := 2*i + 1
		if child+1 < len(s) && s[child+1].at < s[child].at {
			child++
		}
		if child >= len(s) || s[child].at >= e.at {
			break
		}
		s.setAt(i, s[child])
		i = child
	}
	s.setAt(i, e)
}

func (h expiryHeap) setAt(i int, e heapEntry) {
	h[i] = e
	e.it.heapIndex = int32(i)
}

// shrink replaces the memory of the heap with a smaller slice if less than an eighth of the memory is used.
func (h *expiryHeap) shrink() {
	if cap(*h) > 64 && len(*h) < cap(*h)/8 {
		*h = append(make(expiryHeap, 0, len(*h)*2), *h...)
	}
}
