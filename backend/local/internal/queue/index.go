package queue

import (
	"slices"
	"sort"
)

// pageSize is the maximum number of jobs in a page of the index.
const pageSize = 512

// index finds the slots of entries by job id and iterates over them in the order of ids. New ids are the highest ids.
// So the index is a sorted list of pages that grows at its end.
type index struct {
	pages []page
	count int
}

type page struct {
	base uint64 // the lowest id that was ever in the page
	refs []ref  // by rising id
}

type ref struct {
	off uint32 // id - base
	at  slot
}

// page returns the number of the only page that can contain id. If there is no page for id, page returns -1.
func (x *index) page(id uint64) int {
	return sort.Search(len(x.pages), func(i int) bool { return x.pages[i].base > id }) - 1
}

func (p *page) search(id uint64) (int, bool) {
	off := id - p.base
	if off < uint64(len(p.refs)) && uint64(p.refs[off].off) == off {
		return int(off), true // no lower id was removed
	}
	i := sort.Search(len(p.refs), func(i int) bool { return uint64(p.refs[i].off) >= off })
	return i, i < len(p.refs) && uint64(p.refs[i].off) == off
}

// find returns the slot of the entry with this job id, or 0 if the id is not in the index.
func (x *index) find(id uint64) slot {
	n := x.page(id)
	if n < 0 {
		return 0
	}
	if i, ok := x.pages[n].search(id); ok {
		return x.pages[n].refs[i].at
	}
	return 0
}

// insert adds the job id with its slot to the index. The id must not be in the index.
func (x *index) insert(id uint64, at slot) {
	x.count++
	n := x.page(id)
	if n < 0 || id-x.pages[n].base >= 1<<32 || len(x.pages[n].refs) >= pageSize && id > x.pages[n].last() {
		x.pages = slices.Insert(x.pages, n+1, page{base: id, refs: []ref{{at: at}}})
		return
	}
	p := &x.pages[n]
	i, _ := p.search(id)
	p.refs = slices.Insert(p.refs, i, ref{uint32(id - p.base), at})
	if len(p.refs) <= pageSize {
		return
	}
	// A removed id was inserted again in the middle of a full page: split the page.
	half := slices.Clone(p.refs[pageSize/2:])
	shift := half[0].off
	for i := range half {
		half[i].off -= shift
	}
	base := p.base + uint64(shift)
	p.refs = slices.Clone(p.refs[:pageSize/2])
	x.pages = slices.Insert(x.pages, n+1, page{base, half})
}

func (p *page) last() uint64 { return p.base + uint64(p.refs[len(p.refs)-1].off) }

// remove removes the job id from the index. The id must be in the index.
func (x *index) remove(id uint64) {
	x.count--
	n := x.page(id)
	p := &x.pages[n]
	i, _ := p.search(id)
	p.refs = slices.Delete(p.refs, i, i+1)
	switch {
	case len(p.refs) == 0:
		x.pages = slices.Delete(x.pages, n, n+1)
	case cap(p.refs) > 64 && len(p.refs) < cap(p.refs)/4:
		p.refs = append(make([]ref, 0, len(p.refs)*2), p.refs...)
	}
}

// walk calls visit for the slots of all ids above id in rising order, until visit returns false. If falling is true, it
// visits the ids below id in falling order. If id is 0, walk begins with the first id, or with the last id if falling
// is true.
func (x *index) walk(id uint64, falling bool, visit func(at slot) bool) {
	if falling {
		if id == 0 {
			id = 1<<64 - 1
		}
		for n := x.page(id - 1); n >= 0; n-- {
			p := &x.pages[n]
			i := len(p.refs) - 1
			for i >= 0 && p.base+uint64(p.refs[i].off) >= id {
				i--
			}
			for ; i >= 0; i-- {
				if !visit(p.refs[i].at) {
					return
				}
			}
		}
		return
	}
	for n := max(x.page(id), 0); n < len(x.pages); n++ {
		p := &x.pages[n]
		i := sort.Search(len(p.refs), func(i int) bool { return p.base+uint64(p.refs[i].off) > id })
		for ; i < len(p.refs); i++ {
			if !visit(p.refs[i].at) {
				return
			}
		}
	}
}
