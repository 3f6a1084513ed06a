package local

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/backend"
)

// presence is the list of the members of one room. In a room with many members, it also has the position of each member
// in the list, so that leave needs no search.
type presence struct {
	room    string
	epoch   uint64        // of the positions of the room's messages
	seq     atomic.Uint64 // the number of the last message
	members []string
	index   map[string]int32  // the position of each member in members; nil up to maxUnindexed members
	peak    int               // the largest number of members since the index was built
	details map[string][]byte // of the members that have details; nil: none has
}

// maxUnindexed is the maximum number of members of a room without an index. Without an index, join and leave search the
// list. Most rooms are small.
const maxUnindexed = 8

// newPresence returns a room without members. It copies the name of the room, because the name may be a substring of a
// large client message.
func newPresence(room string, epoch uint64) *presence {
	return &presence{room: strings.Clone(room), epoch: epoch}
}

func (p *presence) find(member string) (int, bool) {
	if p.index == nil {
		i := slices.Index(p.members, member)
		return i, i >= 0
	}
	i, ok := p.index[member]
	return int(i), ok
}

// join adds the member if it is not in the room, and returns whether it was added. It does not copy the member's id, because the connection with this id
// holds the string anyway.
func (p *presence) join(member string) (added bool) {
	if _, ok := p.find(member); ok {
		return false
	}
	p.members = append(p.members, member)
	if p.index != nil {
		p.index[member] = int32(len(p.members) - 1)
		p.peak = max(p.peak, len(p.members))
	} else if len(p.members) > maxUnindexed {
		p.rebuildIndex()
	}
	return true
}

// setDetails sets the details of a member of the room. It copies them.
func (p *presence) setDetails(member string, details []byte) {
	if len(details) == 0 {
		delete(p.details, member)
		return
	}
	if p.details == nil {
		p.details = map[string][]byte{}
	}
	p.details[member] = bytes.Clone(details)
}

// leave removes the member and moves the last member of the list to its position. It returns whether the room is empty
// now.
func (p *presence) leave(member string) (empty bool) {
	i, ok := p.find(member)
	if !ok {
		return len(p.members) == 0
	}
	delete(p.details, member)
	last := len(p.members) - 1
	p.members[i] = p.members[last]
	if p.index != nil {
		p.index[p.members[i]] = int32(i)
		delete(p.index, member)
	}
	p.members[last] = ""
	p.members = p.members[:last]
	// Go maps do not shrink, so the memory of a room that was large is freed here.
	if p.index != nil && last*4 < p.peak {
		p.members = slices.Clone(p.members)
		p.rebuildIndex()
	}
	return last == 0
}

// rebuildIndex builds the index of positions from the list of members. If the room has at most maxUnindexed members, it
// drops the index instead.
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

// first returns at most limit members of the list, all on the given node. If limit is 0 or less, it returns nil.
func (p *presence) first(limit int, node string) []backend.Member {
	if limit <= 0 {
		return nil
	}
	members := make([]backend.Member, min(limit, len(p.members)))
	for i := range members {
		members[i] = backend.Member{ID: p.members[i], Node: node, Details: p.details[p.members[i]]}
	}
	return members
}
