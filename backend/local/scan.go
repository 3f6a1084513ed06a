package local

import (
	"bytes"
	"cmp"
	"context"
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// scanPos is the position of an item in the order of [table.scan]. Positions do not change when a table is rebuilt, so
// a scan needs no other state between two pages of keys.
type scanPos struct {
	hash uint64 // the result of scanHash for the hash of the key
	key  string
}

// scanHash returns hash with its bits in reverse order. The method [table.scan] sorts items by this number.
func scanHash(hash uint64) uint64 { return bits.Reverse64(hash) }

func (p scanPos) before(it *item) bool {
	hash := scanHash(it.hash)
	return p.hash < hash || p.hash == hash && p.key < string(it.key())
}

// scan calls visit for the items of the table until visit returns false. It begins after the position in the argument
// after, or with the first item if after is nil. It returns true if it reached the end of the table. The scan takes no
// lock. It visits every item that is in the table from the beginning to the end of the scan, and some of the items that
// are added or removed meanwhile.
//
// Items are ordered by their bit-reversed hashes. The home slot of an item is the slot at which its search begins. If
// the number of slots doubles, the items of one home slot are divided between two home slots, which are adjacent in
// this order.
func (t *table) scan(after *scanPos, visit func(*item) bool) bool {
	slots := *t.slots.Load()
	shift := 64 - bits.TrailingZeros(uint(len(slots)))
	first := uint64(0)
	if after != nil {
		first = after.hash >> shift
	}
	var items []*item
	for i := first; i < uint64(len(slots)); i++ {
		items = appendHome(items[:0], slots, bits.Reverse64(i<<shift))
		for _, it := range items {
			if (after == nil || after.before(it)) && !visit(it) {
				return false
			}
		}
	}
	return true
}

func (s *store) Keys(_ context.Context, prefix, cursor string, limit int) ([]string, string, error) {
	switch {
	case len(prefix) > backend.MaxKeyBytes:
		return nil, "", rules.CheckName("prefix", prefix)
	case !s.open.Load():
		return nil, "", backend.ErrClosed
	}
	after, shard, err := s.parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > backend.MaxKeys {
		limit = backend.MaxKeys
	}
	var keys []string
	now := s.clock.now()
	for ; shard < len(s.entries); shard++ {
		sh := &s.entries[shard]
		done := sh.items.scan(after, func(it *item) bool {
			if !bytes.HasPrefix(it.key(), []byte(prefix)) {
				return true
			}
			if len(keys) == limit {
				return false
			}
			if key := string(it.key()); s.isLive(sh, it, key, now) {
				keys = append(keys, key)
			}
			return true
		})
		if !done {
			return keys, cursorPrefix + keys[limit-1], nil
		}
		after = nil
	}
	return keys, "", nil
}

// isLive reports whether key has an entry that has not expired at the clock time now. The caller passes the item that a
// scan has found under key. If that item has expired, isLive looks for a newer item that may have replaced it.
func (s *store) isLive(sh *shard, it *item, key string, now int64) bool {
	return it.expires > now || s.find(sh, it.hash, key, now) != nil
}

// cursorPrefix precedes the key in a cursor. Without the prefix, the cursor of the empty key would be the empty cursor,
// which means the first page.
const cursorPrefix = "."

// parseCursor returns the position after which the scan of a page continues, and the index of the shard of that
// position. For the empty cursor, the position is nil. It fails with [backend.ErrCursor] if the cursor is invalid.
func (s *store) parseCursor(cursor string) (*scanPos, int, error) {
	if cursor == "" {
		return nil, 0, nil
	}
	key, ok := strings.CutPrefix(cursor, cursorPrefix)
	if !ok {
		return nil, 0, backend.ErrCursor
	}
	hash := maphash.String(s.seed, key)
	return &scanPos{hash: scanHash(hash), key: key}, shardIndex(hash), nil
}

func (s *store) Clear(ctx context.Context, prefix string) (n int, err error) {
	s.loads.detachAll(prefix)
	for cursor := ""; ; {
		keys, next, err := s.Keys(ctx, prefix, cursor, 0)
		if err != nil {
			return n, err
		}
		for _, key := range keys {
			deleted, err := s.Delete(ctx, key)
			if err != nil {
				return n, err
			}
			if deleted {
				n++
			}
		}
		if cursor = next; cursor == "" {
			return n, nil
		}
	}
}

// appendHome appends the items with one home slot, the argument home, to the slice items, and returns the extended
// slice. The home slot of an item is the slot at which its search begins. The argument slots are all slots of the
// table. The appended items are sorted in the order of [scanPos].
func appendHome(items []*item, slots []slot, home uint64) []*item {
	mask := uint64(len(slots) - 1)
	for i := home; ; i = (i + 1) & mask {
		it := slots[i].Load()
		if it == nil {
			break
		}
		if it != tombstone && it.hash&mask == home {
			items = append(items, it)
		}
	}
	if len(items) < 2 {
		return items
	}
	slices.SortFunc(items, compareScanOrder)
	// A key that was removed and added again during this loop may be in two slots.
	return slices.CompactFunc(items, func(a, b *item) bool { return compareScanOrder(a, b) == 0 })
}

func compareScanOrder(a, b *item) int {
	return cmp.Or(cmp.Compare(scanHash(a.hash), scanHash(b.hash)), bytes.Compare(a.key(), b.key()))
}
