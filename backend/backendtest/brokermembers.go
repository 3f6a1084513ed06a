package backendtest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/google/go-cmp/cmp"
)

func enter(ctx context.Context, b backend.Broker, room, member string) error {
	_, err := b.Move(ctx, backend.Change{Room: room, Member: member})
	return err
}

func leave(ctx context.Context, b backend.Broker, room, member string) error {
	_, err := b.Move(ctx, backend.Change{Room: room, Member: member, Leave: true})
	return err
}

func (t *tester) enter(b backend.Broker, room, member string) {
	t.Helper()
	t.must(enter(t.ctx, b, room, member))
}

func (t *tester) leave(b backend.Broker, room, member string) {
	t.Helper()
	t.must(leave(t.ctx, b, room, member))
}

// memberIDs returns the ids of the members.
func memberIDs(members []backend.Member) []string {
	ids := make([]string, len(members))
	for i := range members {
		ids[i] = members[i].ID
	}
	return ids
}

// wantMembers fails the test unless the members of the room are exactly the ids in want, in any order.
func (t *tester) wantMembers(b backend.Broker, room string, want ...string) {
	t.Helper()
	members, total, err := b.Members(t.ctx, room, len(want)+10)
	if err != nil {
		t.Fatalf("Members(%.40q): %v", room, err)
	}
	if total != len(want) {
		t.Errorf("Members(%.40q) counts %d, want %d", room, total, len(want))
	}
	ids := memberIDs(members)
	slices.Sort(ids)
	want = slices.Sorted(slices.Values(want))
	if len(ids)+len(want) > 0 && !slices.Equal(ids, want) {
		t.Errorf("Members(%.40q) (-want +got):\n%.2000s", room, cmp.Diff(want, ids))
	}
}

func members(t *tester) {
	b := t.open().Broker()
	t.wantMembers(b, "room")
	t.enter(b, "room", "a")
	t.enter(b, "room", "b")
	t.enter(b, "other", "a")
	t.wantMembers(b, "room", "a", "b")
	t.wantMembers(b, "other", "a")
	t.leave(b, "room", "a")
	t.wantMembers(b, "room", "b")
	t.wantMembers(b, "other", "a")
	t.leave(b, "room", "b")
	t.wantMembers(b, "room")
	t.enter(b, "room", "c")
	t.wantMembers(b, "room", "c")
}

func joinIsIdempotent(t *tester) {
	b := t.open().Broker()
	t.leave(b, "room", "a")
	for range 3 {
		t.enter(b, "room", "a")
		t.wantMembers(b, "room", "a")
	}
	t.leave(b, "room", "b")
	t.wantMembers(b, "room", "a")
	for range 3 {
		t.leave(b, "room", "a")
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
		t.enter(b, "room", id)
	}
	for _, limit := range []int{-1, 0, 1, 10, n - 1, n, n + 1, 1 << 30} {
		members, total, err := b.Members(t.ctx, "room", limit)
		t.must(err)
		ids := memberIDs(members)
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
		if diff := cmp.Diff(ids, memberIDs(again)); diff != "" {
			t.Errorf("Members with a limit of %d, called twice:\n%s", limit, diff)
		}
		clear(members) // the caller may modify the result
	}
	members, _, err := b.Members(t.ctx, "room", n)
	t.must(err)
	if slices.Contains(memberIDs(members), "") {
		t.Error("Members returns the same slice to several callers")
	}
}

func membersOddNames(t *tester) {
	b := t.open().Broker()
	for _, room := range oddNames {
		for _, member := range oddNames {
			t.enter(b, room, member)
		}
	}
	for _, room := range oddNames {
		t.wantMembers(b, room, oddNames...)
		t.leave(b, room, room)
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
				err := enter(t.ctx, b, "room", id)
				if err == nil {
					err = enter(t.ctx, b, fmt.Sprint("other ", i%3), id)
				}
				if err == nil && i%2 == 1 {
					err = leave(t.ctx, b, "room", id)
				}
				if err == nil {
					err = leave(t.ctx, b, fmt.Sprint("other ", i%3), id)
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
