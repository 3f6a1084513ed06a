package local

// expiryHeap is a binary heap of the items that will expire, the next one first. Each item knows its place, so one that
// is deleted or will no longer expire leaves at once. One that is written again and expires later takes over the place
// of the one before, and is moved only once that one's time has come: what is written often, and lives on each time,
// costs next to nothing.
type expiryHeap []heapEntry

type heapEntry struct {
	at int64 // when to look at the item: when it expires or earlier
	it *item
}

// nextAt returns when to look at the first item, or never. None expires before.
func (h expiryHeap) nextAt() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

// replace puts it in the place of old, where one that never expires, or nil, has none.
func (h *expiryHeap) replace(old, it *item) {
	has, will := old != nil && old.heapIndex >= 0, it != nil && it.expires != never
	switch {
	case has && will:
		place := int(old.heapIndex)
		h.fix(place, heapEntry{min((*h)[place].at, it.expires), it})
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

// fix finds the place for e, given that place i is free.
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

// shrink gives memory back once most of it is unused.
func (h *expiryHeap) shrink() {
	if cap(*h) > 64 && len(*h) < cap(*h)/8 {
		*h = append(make(expiryHeap, 0, len(*h)*2), *h...)
	}
}
