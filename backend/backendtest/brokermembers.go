package backendtest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/google/go-cmp/cmp"
)

// wantMembers fails the test unless the members of the room are exactly the ids in want, in any order.
func (t *tester) wantMembers(b backend.Broker, room string, want ...string) {
	t.Helper()
	ids, total, err := b.Members(t.ctx, room, len(want)+10)
	if err != nil {
		t.Fatalf("Members(%.40q): %v", room, err)
	}
	if total != len(want) {
		t.Errorf("Members(%.40q) counts %d, want %d", room, total, len(want))
	}
	slices.Sort(ids)
	want = slices.Sorted(slices.Values(want))
	if len(ids)+len(want) > 0 && !slices.Equal(ids, want) {
		t.Errorf("Members(%.40q) (-want +got):\n%.2000s", room, cmp.Diff(want, ids))
	}
}

func members(t *tester) {
	b := t.open().Broker()
	t.wantMembers(b, "room")
	t.must(b.Join(t.ctx, "room", "a"))
	t.must(b.Join(t.ctx, "room", "b"))
	t.must(b.Join(t.ctx, "other", "a"))
	t.wantMembers(b, "room", "a", "b")
	t.wantMembers(b, "other", "a")
	t.must(b.Leave(t.ctx, "room", "a"))
	t.wantMembers(b, "room", "b")
	t.wantMembers(b, "other", "a")
	t.must(b.Leave(t.ctx, "room", "b"))
	t.wantMembers(b, "room")
	t.must(b.Join(t.ctx, "room", "c"))
	t.wantMembers(b, "room", "c")
}

func joinIsIdempotent(t *tester) {
	b := t.open().Broker()
	t.must(b.Leave(t.ctx, "room", "a"))
	for range 3 {
		t.must(b.Join(t.ctx, "room", "a"))
		t.wantMembers(b, "room", "a")
	}
	t.must(b.Leave(t.ctx, "room", "b"))
	t.wantMembers(b, "room", "a")
	for range 3 {
		t.must(b.Leave(t.ctx, "room", "a"))
		t.wantMembers(b, "room")
	}
}

func membersLimit(t *tester) {
	b := t.open().Broker()
	const n = 50
	all := make(map[string]bool)
	for i := range n {
		id := fmt.Sprint("member ", i)
		all[id] = true
		t.must(b.Join(t.ctx, "room", id))
	}
	for _, limit := range []int{-1, 0, 1, 10, n - 1, n, n + 1, 1 << 30} {
		ids, total, err := b.Members(t.ctx, "room", limit)
		t.must(err)
		if want := min(max(limit, 0), n); len(ids) != want || total != n {
			t.Errorf("Members with a limit of %d returns %d ids and counts %d, want %d and %d", limit, len(ids), total, want, n)
		}
		seen := make(map[string]bool)
		for _, id := range ids {
			if seen[id] || !all[id] {
				t.Errorf("Members with a limit of %d returns %q, which is not a member or a duplicate", limit, id)
			}
			seen[id] = true
		}
		again, _, err := b.Members(t.ctx, "room", limit)
		t.must(err)
		if diff := cmp.Diff(ids, again); diff != "" {
			t.Errorf("Members with a limit of %d, called twice:\n%s", limit, diff)
		}
		clear(ids) // the caller may modify the result
	}
	ids, _, err := b.Members(t.ctx, "room", n)
	t.must(err)
	if slices.Contains(ids, "") {
		t.Error("Members returns the same slice to several callers")
	}
}

func membersOddNames(t *tester) {
	b := t.open().Broker()
	for _, room := range oddNames {
		for _, member := range oddNames {
			t.must(b.Join(t.ctx, room, member))
		}
	}
	for _, room := range oddNames {
		t.wantMembers(b, room, oddNames...)
		t.must(b.Leave(t.ctx, room, room))
	}
	for i, room := range oddNames {
		t.wantMembers(b, room, slices.Delete(slices.Clone(oddNames), i, i+1)...)
	}
}

// joinConcurrently joins and leaves rooms from several goroutines. At the end, the members with an even number must be
// in the room.
func joinConcurrently(t *tester) {
	b := t.open().Broker()
	const callers, each = 8, 40
	var wg sync.WaitGroup
	var want []string
	for c := range callers {
		for i := range each {
			if i%2 == 0 {
				want = append(want, fmt.Sprint(c, " ", i))
			}
		}
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprint(c, " ", i)
				err := b.Join(t.ctx, "room", id)
				if err == nil {
					err = b.Join(t.ctx, fmt.Sprint("other ", i%3), id)
				}
				if err == nil && i%2 == 1 {
					err = b.Leave(t.ctx, "room", id)
				}
				if err == nil {
					err = b.Leave(t.ctx, fmt.Sprint("other ", i%3), id)
				}
				ids, total, err2 := b.Members(t.ctx, "room", callers*each)
				if err != nil || err2 != nil || len(ids) != total {
					t.Errorf("join and leave: %v, %v; %d ids, counted %d", err, err2, len(ids), total)
				}
			}
		})
	}
	wg.Wait()
	t.wantMembers(b, "room", want...)
	for i := range 3 {
		t.wantMembers(b, fmt.Sprint("other ", i))
	}
}
