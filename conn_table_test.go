package actionhero

import (
	"fmt"
	"sync"
	"testing"
)

func TestTheTableOfConnectionsKeepsEachConnectionOnce(t *testing.T) {
	t.Parallel()
	const n = 2000
	table := newConnTable()
	conns := make([]*Conn, n)
	for i := range conns {
		conns[i] = &Conn{ID: newID(uint32(i))}
	}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for _, c := range conns {
				table.store(c)
			}
		})
	}
	workers.Wait()
	if got := table.len(); got != n {
		t.Fatalf("%d connections, want %d", got, n)
	}
	for i := 1; i < n; i += 2 {
		table.remove(conns[i].ID)
		table.remove(conns[i].ID)
	}
	seen := map[*Conn]int{}
	table.all(func(c *Conn) bool {
		seen[c]++
		table.load(c.ID) // no lock is held
		return true
	})
	for i, c := range conns {
		if want := (i + 1) % 2; seen[c] != want || (table.load(c.ID) == c) != (want == 1) {
			t.Fatalf("connection %d was seen %d times and loads as %v, want %d times", i, seen[c], table.load(c.ID), want)
		}
	}
	if got := table.len(); got != n/2 || len(seen) != n/2 {
		t.Errorf("%d connections, %d seen, want %d", got, len(seen), n/2)
	}
	steps := 0
	for range table.all {
		if steps++; steps == 3 {
			break
		}
	}
	if steps != 3 {
		t.Errorf("the loop ended after %d connections, want 3", steps)
	}
}

func TestTheTableOfConnectionsShrinks(t *testing.T) {
	t.Parallel()
	table := newConnTable()
	const n = 64 * 100
	for i := range n {
		table.store(&Conn{ID: fmt.Sprint(i)})
	}
	for i := range n {
		table.remove(fmt.Sprint(i))
	}
	for i := range table.shards {
		if peak := table.shards[i].peak; peak > smallShard {
			t.Errorf("shard %d is as large as for %d connections after all have gone, want %d at most", i, peak, smallShard)
		}
	}
}
