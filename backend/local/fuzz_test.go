package local

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// FuzzPresence lets members join and leave, two bytes per operation, and compares the room with a map.
func FuzzPresence(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomBytes(seed, 1000))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		p := newPresence("room", 1)
		set := make(map[string]bool)
		for ; len(ops) >= 2; ops = ops[2:] {
			member := fmt.Sprint(ops[1])
			// Mostly joins at first and mostly leaves later, so that the room grows and shrinks.
			if (int(ops[0]) < 170) == (len(ops) > 600) {
				p.join(member)
				set[member] = true
			} else {
				delete(set, member)
				if empty := p.leave(member); empty != (len(set) == 0) {
					t.Fatalf("leave returns empty = %t, with %d members", empty, len(set))
				}
			}
			if len(p.members) != len(set) || (p.index != nil && len(p.index) != len(set)) {
				t.Fatalf("%d members and %d in the index, want %d", len(p.members), len(p.index), len(set))
			}
		}
		for member := range set {
			if i, ok := p.find(member); !ok || p.members[i] != member {
				t.Errorf("%s is not found at its index", member)
			}
		}
		var all []string
		for _, m := range p.first(1000, "node") {
			all = append(all, m.ID)
		}
		if len(all) != len(set) || len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(set) {
			t.Errorf("first returns %d members, want %d different ones", len(all), len(set))
		}
	})
}

func randomBytes(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
