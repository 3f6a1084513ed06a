package actionhero

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// RoomInfo is one room that has members, see [Rooms.List].
type RoomInfo struct {
	Name    string `json:"name"`
	Members int    `json:"members"` // on all nodes
}

// RoomList is the answer of [Rooms.List].
type RoomList struct {
	Rooms   []RoomInfo `json:"rooms"` // sorted by name
	More    bool       `json:"more"`  // further rooms follow the last one
	Missing []string   `json:"missing,omitempty"`
}

// RoomFilter selects rooms. The zero value selects all of them.
type RoomFilter struct {
	Prefix string `json:"prefix,omitzero"` // only rooms whose names begin with it
	After  string `json:"after,omitzero"`  // only rooms that follow the room with this name
	Limit  int    `json:"limit,omitzero"`  // the largest number of rooms; default 100, at most 1,000
}

// roomsCall makes each node list the rooms of its clients.
var roomsCall = NodeCall[RoomFilter, RoomList]{Name: internalCalls + "rooms"}

// List returns the rooms that match f and have members on any node of the cluster. The ids of nodes that do not answer
// are in RoomList.Missing, and their members do not count.
func (r *Rooms) List(ctx context.Context, f RoomFilter) (RoomList, error) {
	answers, err := roomsCall.CallAll(ctx, r.api, f)
	list := RoomList{Rooms: []RoomInfo{}}
	members := map[string]int{}
	end := "" // the counts are complete up to this name; empty: all are
	for _, a := range answers {
		if a.Err != nil {
			list.Missing = append(list.Missing, a.Node)
			continue
		}
		for _, room := range a.Out.Rooms {
			members[room.Name] += room.Members
		}
		if n := len(a.Out.Rooms); a.Out.More && n > 0 {
			if last := a.Out.Rooms[n-1].Name; end == "" || last < end {
				end = last
			}
		}
	}
	for name, n := range members {
		if end == "" || name <= end {
			list.Rooms = append(list.Rooms, RoomInfo{name, n})
		}
	}
	slices.SortFunc(list.Rooms, func(a, b RoomInfo) int { return cmp.Compare(a.Name, b.Name) })
	list.More = end != ""
	if limit := limitOf(f.Limit); len(list.Rooms) > limit {
		list.Rooms, list.More = list.Rooms[:limit], true
	}
	return list, err
}

// here lists the rooms of the clients of this node.
func (r *Rooms) here(f RoomFilter) RoomList {
	list := RoomList{Rooms: []RoomInfo{}}
	r.mu.RLock()
	found := make([]*room, 0, len(r.rooms))
	for name, rm := range r.rooms {
		if strings.HasPrefix(name, f.Prefix) && name > f.After {
			found = append(found, rm)
		}
	}
	r.mu.RUnlock()
	slices.SortFunc(found, func(a, b *room) int { return cmp.Compare(a.name, b.name) })
	size := 0
	for _, rm := range found {
		rm.mu.Lock()
		n := len(rm.places)
		rm.mu.Unlock()
		if n == 0 { // its first member is on the way
			continue
		}
		size += 6*len(rm.name) + 50 // one byte may become six as JSON
		if len(list.Rooms) == limitOf(f.Limit) || size > maxListBytes {
			list.More = true
			break
		}
		list.Rooms = append(list.Rooms, RoomInfo{rm.name, n})
	}
	return list
}
