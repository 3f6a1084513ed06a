package redis

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// Keys, Clear and Len read the entries of all masters with SCAN, page by page, so they cost time for each key of the
// database and block the server for no more than a page. Counting the entries at each Set instead would make each Set
// dearer, and the count would not know which entries have expired.
//
// SCAN returns each key that is there from the first page to the last, some more than once. If a slot of a Cluster moves
// meanwhile, or a replica becomes the master, it may miss keys.

// scanPage is the number of keys that the server looks at for one page.
const scanPage = 1000

var pattern = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `\`, `\\`)

// scanOnce reads one page of one master: the names of the entries, or of the entries and loads, that begin with prefix.
func (s *store) scanOnce(ctx context.Context, m master, prefix string, cursor uint64, count int, loads bool) (names []string, next uint64, err error) {
	match := s.core.config.Prefix + ":" + entryKind + ":{" + strings.Repeat("?", tagBytes) + "}" + pattern.Replace(prefix) + "*"
	message, err := s.core.attempt(ctx, repeatable, func(ctx context.Context, _ *session) rueidis.RedisResult {
		scan := m.client.B().Scan().Cursor(cursor).Match(match).Count(int64(count))
		if loads {
			return m.client.Do(ctx, scan.Build())
		}
		return m.client.Do(ctx, scan.Type("string").Build())
	})
	if err != nil {
		return nil, 0, err
	}
	page, err := message.AsScanEntry()
	for _, key := range page.Elements {
		if name, ok := s.core.nameOf(entryKind, key); ok && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, page.Cursor, err
}

// scan calls f with each page of all masters.
func (s *store) scan(ctx context.Context, prefix string, loads bool, f func(names []string) error) error {
	sess, err := s.core.current()
	if err != nil {
		return err
	}
	masters, err := s.core.masters(ctx, sess)
	if err != nil {
		return err
	}
	for _, m := range masters {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			var names []string
			if names, cursor, err = s.scanOnce(ctx, m, prefix, cursor, scanPage, loads); err != nil {
				return err
			}
			if err := f(names); err != nil {
				return err
			}
		}
	}
	return nil
}

// minScan is the smallest number of keys that the server looks at for one page of Keys. scansPerPage is the number of
// times that one call of Keys asks the server at most, so that a page takes little time if few keys have the prefix.
const minScan, scansPerPage = 100, 16

// Keys returns a cursor with the cursor of SCAN, and with the names that SCAN has returned beyond the limit. Reading them
// again from the same cursor of SCAN would not do: how far it goes depends on the number of keys at that time.
func (s *store) Keys(ctx context.Context, prefix, cursor string, limit int) (keys []string, next string, err error) {
	if err := rules.CheckName("prefix", prefix); err != nil {
		return nil, "", err
	}
	sess, err := s.core.current()
	if err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > backend.MaxKeys {
		limit = backend.MaxKeys
	}
	at, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	masters, err := s.core.masters(ctx, sess)
	if err != nil {
		return nil, "", err
	}
	for range scansPerPage {
		if len(at.names) >= limit || at.master >= len(masters) {
			break
		}
		names, scanned, err := s.scanOnce(ctx, masters[at.master], prefix, at.scan, max(limit, minScan), false)
		if err != nil {
			return nil, "", err
		}
		at.names = append(at.names, names...)
		if at.scan = scanned; scanned == 0 {
			at.master++
		}
	}
	n := min(limit, len(at.names))
	keys, at.names = at.names[:n:n], at.names[n:]
	if at.master >= len(masters) && len(at.names) == 0 {
		return keys, "", nil
	}
	return keys, at.String(), nil
}

// keysCursor is the place after a page of Keys.
type keysCursor struct {
	master int      // the index of the master to ask next
	scan   uint64   // its cursor of SCAN
	names  []string // the names that come first
}

// String returns the form "master.scan.length:name…".
func (c keysCursor) String() string {
	text := fmt.Appendf(nil, "%d.%d.", c.master, c.scan)
	for _, name := range c.names {
		text = fmt.Appendf(text, "%d:%s", len(name), name)
	}
	return string(text)
}

func parseCursor(text string) (c keysCursor, err error) {
	if text == "" {
		return c, nil
	}
	parts := strings.SplitN(text, ".", 3)
	if len(parts) != 3 {
		return c, backend.ErrCursor
	}
	var err1, err2 error
	c.master, err1 = strconv.Atoi(parts[0])
	c.scan, err2 = strconv.ParseUint(parts[1], 10, 64)
	if err1 != nil || err2 != nil || c.master < 0 {
		return c, backend.ErrCursor
	}
	for rest := parts[2]; rest != ""; {
		digits, after, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(digits)
		if err != nil || n < 0 || n > len(after) {
			return c, backend.ErrCursor
		}
		c.names, rest = append(c.names, after[:n]), after[n:]
	}
	return c, nil
}

// clearBatch is the number of keys that one script removes.
const clearBatch = 512

func (s *store) Clear(ctx context.Context, prefix string) (removed int, err error) {
	if err := rules.CheckName("prefix", prefix); err != nil {
		return 0, err
	}
	err = s.scan(ctx, prefix, true, func(names []string) error {
		byPartition := make(map[int][]string)
		for _, name := range names {
			p := partition(name)
			byPartition[p] = append(byPartition[p], s.core.key(entryKind, p, name))
			s.wrote(name)()
		}
		for _, keys := range byPartition {
			for batch := range slices.Chunk(keys, clearBatch) {
				n, err := asInt(s.core.run(ctx, deleteScript, batch))
				if err != nil {
					return err
				}
				removed += int(n)
			}
		}
		return nil
	})
	return removed, err
}

// Len counts each entry once, by a hash of its name: the chance that it counts one of a million entries too few is below
// 10^-7.
func (s *store) Len(ctx context.Context) (int, error) {
	seed, seen := maphash.MakeSeed(), make(map[uint64]struct{})
	err := s.scan(ctx, "", false, func(names []string) error {
		for _, name := range names {
			seen[maphash.String(seed, name)] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(seen), nil
}
