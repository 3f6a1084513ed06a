package local

// expiries is a binary heap of the items that will expire, the next one first. Each item knows its place, so one that
// is deleted or will no longer expire leaves at once. One that is written again and expires later takes over the place
// of the one before, and is moved only once that one's time has come: what is written often, and lives on each time,
// costs next to nothing.
type expiries []expiry

type expiry struct {
	at int64 // when to look at the item: when it expires or earlier
	it *item
}

// next returns when to look at the first item, or never. None expires before.
func (h expiries) next() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

// replace puts it in the place of old, where one that never expires, or nil, has none.
func (h *expiries) replace(old, it *item) {
	has, will := old != nil && old.due >= 0, it != nil && it.expires != never
	switch {
	case has && will:
		place := int(old.due)
		h.fix(place, expiry{min((*h)[place].at, it.expires), it})
	case has:
		last := len(*h) - 1
		moved := (*h)[last]
		(*h)[last] = expiry{}
		*h = (*h)[:last]
		if int(old.due) < last {
			h.fix(int(old.due), moved)
		}
		h.shrink()
	case will:
		*h = append(*h, expiry{})
		h.fix(len(*h)-1, expiry{it.expires, it})
	}
}

// postpone moves it to where its expiry belongs.
func (h *expiries) postpone(it *item) { h.fix(int(it.due), expiry{it.expires, it}) }

// fix finds the place for e, given that place i is free.
func (h *expiries) fix(i int, e expiry) {
	s := *h
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent].at <= e.at {
			break
		}
		s.set(i, s[parent])
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
		s.set(i, s[child])
		i = child
	}
	s.set(i, e)
}

func (h expiries) set(i int, e expiry) {
	h[i] = e
	e.it.due = int32(i)
}

// shrink gives memory back once most of it is unused.
func (h *expiries) shrink() {
	if cap(*h) > 64 && len(*h) < cap(*h)/8 {
		*h = append(make(expiries, 0, len(*h)*2), *h...)
	}
}
