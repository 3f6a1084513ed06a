package local

// expiryHeap is a binary min-heap of the items that can expire. Each item knows its index, so an item that is deleted
// or no longer expires is removed at once. An item that replaces one with an earlier expiry takes over its index, and
// moves only when the earlier expiry has come. A key that is written often and does not expire in between therefore
// costs next to nothing.
type expiryHeap []heapEntry

type heapEntry struct {
	at int64 // the clock time to check the item: its expiry or earlier
	it *item
}

// nextAt returns the clock time to check the first item, or never. No item expires before it.
func (h expiryHeap) nextAt() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

// replace replaces old with it. Either may be nil or an item that never expires, which is not in the heap.
func (h *expiryHeap) replace(old, it *item) {
	has, will := old != nil && old.heapIndex >= 0, it != nil && it.expires != never
	switch {
	case has && will:
		i := int(old.heapIndex)
		h.fix(i, heapEntry{min((*h)[i].at, it.expires), it})
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

// postpone moves it to where its expiry belongs.
func (h *expiryHeap) postpone(it *item) { h.fix(int(it.heapIndex), heapEntry{it.expires, it}) }

// fix puts e where it belongs. Index i must be free.
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

// shrink frees memory once less than an eighth of it is used.
func (h *expiryHeap) shrink() {
	if cap(*h) > 64 && len(*h) < cap(*h)/8 {
		*h = append(make(expiryHeap, 0, len(*h)*2), *h...)
	}
}
