package actionhero

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The lists of the index are right after any order of additions and removals.
func TestTheIndexOfUsers(t *testing.T) {
	t.Parallel()
	var x userIndex
	want := map[string][]*Conn{} // the youngest first
	conns := make([]*Conn, 20)
	for i := range conns {
		conns[i] = new(Conn)
	}
	random := rand.New(rand.NewPCG(1, 2))
	of := map[*Conn]string{}
	for range 5000 {
		c, user := conns[random.IntN(len(conns))], string(rune('a'+random.IntN(4)))
		if old, there := of[c]; there {
			x.remove(old, c)
			x.remove(old, c) // has no effect
			want[old] = slices.DeleteFunc(want[old], func(other *Conn) bool { return other == c })
			delete(of, c)
		} else {
			x.add(user, c)
			of[c], want[user] = user, slices.Insert(want[user], 0, c)
		}
		for _, user := range []string{"a", "b", "c", "d"} {
			if got := x.of(user); !slices.Equal(got, want[user]) {
				t.Fatalf("%s has %d connections, want %d", user, len(got), len(want[user]))
			}
		}
	}
}

// A program with very many connections as one user may lose them all at once.
func TestManyConnectionsOfOneUserGoInTime(t *testing.T) {
	t.Parallel()
	var x userIndex
	conns := make([]Conn, 40_000)
	for i := range conns {
		x.add("robot", &conns[i])
	}
	begun := time.Now()
	for i := range conns {
		x.remove("robot", &conns[i])
	}
	if took := time.Since(begun); took > 5*time.Second || x.first != nil {
		t.Errorf("it took %v", took)
	}
}
