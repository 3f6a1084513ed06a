package queue

// list is a doubly linked list of entries. The links are fields of the entries.
type list struct {
	first, last slot
	n           int
}

// insertAfter inserts the entry i after the entry prev, or at the front of the list if prev is 0.
func (l *list) insertAfter(s *slab, i, prev slot) {
	e := s.at(i)
	e.prevOrIndex = prev
	if prev == 0 {
		e.next, l.first = l.first, i
	} else {
		p := s.at(prev)
		e.next, p.next = p.next, i
	}
	if e.next == 0 {
		l.last = i
	} else {
		s.at(e.next).prevOrIndex = i
	}
	l.n++
}

func (l *list) remove(s *slab, i slot) {
	e := s.at(i)
	if e.prevOrIndex == 0 {
		l.first = e.next
	} else {
		s.at(e.prevOrIndex).next = e.next
	}
	if e.next == 0 {
		l.last = e.prevOrIndex
	} else {
		s.at(e.next).prevOrIndex = e.prevOrIndex
	}
	e.prevOrIndex, e.next = 0, 0
	l.n--
}

// heap is a binary min-heap of entries, ordered by time and then by job id. Each entry knows its index in the heap.
type heap []heapItem

type heapItem struct {
	at int64
	i  slot
}

// earliest returns the earliest time in the heap. If the heap is empty, it returns never.
func (h heap) earliest() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

func (h *heap) push(s *slab, i slot, at int64) {
	*h = append(*h, heapItem{})
	h.place(s, len(*h)-1, heapItem{at, i})
}

func (h *heap) remove(s *slab, i slot) {
	index, last := int(s.at(i).prevOrIndex), len(*h)-1
	moved := (*h)[last]
	*h = (*h)[:last]
	if index < last {
		h.place(s, index, moved)
	}
	if cap(*h) > 1024 && last < cap(*h)/8 {
		*h = append(make(heap, 0, last*2), *h...)
	}
	s.at(i).prevOrIndex = 0
}

func (s *slab) less(a, b heapItem) bool {
	return a.at < b.at || a.at == b.at && s.at(a.i).id < s.at(b.i).id
}

// place stores the item d in the heap. The position i must be free; place moves the free position up or down the heap
// until it is the position for d.
func (h *heap) place(s *slab, i int, d heapItem) {
	a := *h
	for i > 0 {
		parent := (i - 1) / 2
		if !s.less(d, a[parent]) {
			break
		}
		a.set(s, i, a[parent])
		i = parent
	}
	for {
		child := 2*i + 1
		if child+1 < len(a) && s.less(a[child+1], a[child]) {
			child++
		}
		if child >= len(a) || !s.less(a[child], d) {
			break
		}
		a.set(s, i, a[child])
		i = child
	}
	a.set(s, i, d)
}

func (h heap) set(s *slab, i int, d heapItem) {
	h[i] = d
	s.at(d.i).prevOrIndex = uint32(i)
}
