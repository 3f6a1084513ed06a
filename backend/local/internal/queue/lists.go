package queue

// list is a list of entries, linked through the entries themselves.
type list struct {
	first, last slot
	n           int
}

// insert puts i behind another entry of the list, or in front of all if that is 0.
func (l *list) insert(s *slab, i, behind slot) {
	e := s.at(i)
	e.place = behind
	if behind == 0 {
		e.next, l.first = l.first, i
	} else {
		p := s.at(behind)
		e.next, p.next = p.next, i
	}
	if e.next == 0 {
		l.last = i
	} else {
		s.at(e.next).place = i
	}
	l.n++
}

func (l *list) remove(s *slab, i slot) {
	e := s.at(i)
	if e.place == 0 {
		l.first = e.next
	} else {
		s.at(e.place).next = e.next
	}
	if e.next == 0 {
		l.last = e.place
	} else {
		s.at(e.next).place = e.place
	}
	e.place, e.next = 0, 0
	l.n--
}

// heap is a binary heap of entries by a time, the earliest first, and those of one time by id. Each entry knows its
// place.
type heap []due

type due struct {
	at int64
	i  slot
}

// next returns the earliest time, or never.
func (h heap) next() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

func (h *heap) push(s *slab, i slot, at int64) {
	*h = append(*h, due{})
	h.fix(s, len(*h)-1, due{at, i})
}

func (h *heap) remove(s *slab, i slot) {
	place, last := int(s.at(i).place), len(*h)-1
	moved := (*h)[last]
	*h = (*h)[:last]
	if place < last {
		h.fix(s, place, moved)
	}
	if cap(*h) > 1024 && last < cap(*h)/8 {
		*h = append(make(heap, 0, last*2), *h...)
	}
	s.at(i).place = 0
}

func (s *slab) before(a, b due) bool {
	return a.at < b.at || a.at == b.at && s.at(a.i).id < s.at(b.i).id
}

// fix finds the place for d, given that place i is free.
func (h *heap) fix(s *slab, i int, d due) {
	a := *h
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(d, a[parent]) {
			break
		}
		a.set(s, i, a[parent])
		i = parent
	}
	for {
		child := 2*i + 1
		if child+1 < len(a) && s.before(a[child+1], a[child]) {
			child++
		}
		if child >= len(a) || !s.before(a[child], d) {
			break
		}
		a.set(s, i, a[child])
		i = child
	}
	a.set(s, i, d)
}

func (h heap) set(s *slab, i int, d due) {
	h[i] = d
	s.at(d.i).place = uint32(i)
}
