package local

import (
	"slices"
	"strings"
)

// presence is who is in one room: a list to read from, and where in it each member is, so that leaving takes no search.
type presence struct {
	room    string
	members []string
	index   map[string]int32 // nil while the list is short enough to be searched
	peak    int              // the most members since place was made
}

// maxUnindexed is the number of members up to which a room needs no map. Most rooms of an API are small.
const maxUnindexed = 8

// newPresence returns an empty room. It keeps a copy of the name, which may be a small piece of what a client sent.
func newPresence(room string) *presence { return &presence{room: strings.Clone(room)} }

func (p *presence) find(member string) (int, bool) {
	if p.index == nil {
		i := slices.Index(p.members, member)
		return i, i >= 0
	}
	i, ok := p.index[member]
	return int(i), ok
}

// enter keeps the string member as it is: the connection that it names keeps it too.
func (p *presence) enter(member string) {
	if _, ok := p.find(member); ok {
		return
	}
	p.members = append(p.members, member)
	if p.index != nil {
		p.index[member] = int32(len(p.members) - 1)
		p.peak = max(p.peak, len(p.members))
	} else if len(p.members) > maxUnindexed {
		p.rebuildIndex()
	}
}

// leave takes member out, fills its place with the last one, and returns whether the room is empty now.
func (p *presence) leave(member string) (empty bool) {
	i, ok := p.find(member)
	if !ok {
		return len(p.members) == 0
	}
	last := len(p.members) - 1
	p.members[i] = p.members[last]
	if p.index != nil {
		p.index[p.members[i]] = int32(i)
		delete(p.index, member)
	}
	p.members[last] = ""
	p.members = p.members[:last]
	// Maps do not shrink by themselves, and a room that was huge once should not stay so.
	if p.index != nil && last*4 < p.peak {
		p.members = slices.Clone(p.members)
		p.rebuildIndex()
	}
	return last == 0
}

// rebuildIndex makes the map anew, or drops it where the list has become short.
func (p *presence) rebuildIndex() {
	p.peak = len(p.members)
	if len(p.members) <= maxUnindexed {
		p.index = nil
		return
	}
	p.index = make(map[string]int32, len(p.members))
	for i, member := range p.members {
		p.index[member] = int32(i)
	}
}

// first returns up to limit of the members.
func (p *presence) first(limit int) []string {
	if limit <= 0 {
		return nil
	}
	return slices.Clone(p.members[:min(limit, len(p.members))])
}
