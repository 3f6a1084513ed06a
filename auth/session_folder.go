package auth

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/savefile"
)

// sessionFolder keeps sessions over a restart, for a backend whose cache does not. The name of a file is the key of the
// session, its content the record, and its time of modification the latest use. Requests ask the cache alone. The zero
// value keeps nothing.
type sessionFolder string

// sweepPause is the time between two removals of the files of expired sessions.
const sweepPause = time.Hour

// openSessions returns the folder of the sessions of the API, and makes it.
func (s *Sessions) openSessions(data string) (sessionFolder, error) {
	if data == "" {
		return "", nil
	}
	folder := filepath.Join(data, "sessions", s.cfg.Cookie)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("the folder of the sessions cannot be made: %w", err)
	}
	return sessionFolder(folder), nil
}

// folderOf returns the folder of files that survive a restart of the backend, or "".
func folderOf(api *actionhero.API) string {
	if keeper, ok := api.Config().Backend.(backend.Keeper); ok {
		return keeper.Folder()
	}
	return ""
}

func (f sessionFolder) file(k string) string { return filepath.Join(string(f), k+keyFileEnd) }

// save stores a session durably: a restart must not bring rights back that it has lost.
func (f sessionFolder) save(k string, r *record) error {
	if f == "" {
		return nil
	}
	text, err := jsonx.Marshal(r)
	if err != nil {
		return err
	}
	return savefile.Save(f.file(k), text, r.Seen)
}

// used stores the latest use of a session.
func (f sessionFolder) used(k string, at time.Time) error {
	if f == "" {
		return nil
	}
	return ignoreMissing(os.Chtimes(f.file(k), at, at))
}

// remove removes sessions durably: a restart must not bring them back.
func (f sessionFolder) remove(keys ...string) (err error) {
	if f == "" || len(keys) == 0 {
		return nil
	}
	for _, k := range keys {
		err = errors.Join(err, ignoreMissing(os.Remove(f.file(k))))
	}
	return errors.Join(err, savefile.SyncFolder(string(f)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// keys returns the keys of the sessions whose latest use lies before a time.
func (f sessionFolder) keys(before time.Time) (keys []string, err error) {
	if f == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(string(f))
	for _, entry := range entries {
		k, ok := strings.CutSuffix(entry.Name(), keyFileEnd)
		if _, err := hex.DecodeString(k); err != nil || len(k) != hex.EncodedLen(len(key{})) {
			continue // the copy of a file, for example
		}
		if info, err := entry.Info(); ok && err == nil && info.ModTime().Before(before) {
			keys = append(keys, k)
		}
	}
	return keys, err
}

// removeTemps removes what a crash has left of save. No save may run.
func (f sessionFolder) removeTemps() {
	if f == "" {
		return
	}
	entries, _ := os.ReadDir(string(f)) // keys reports an error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), savefile.TempStart) {
			_ = os.Remove(filepath.Join(string(f), entry.Name()))
		}
	}
}

// clear removes all sessions durably.
func (f sessionFolder) clear() error {
	keys, err := f.keys(time.Now().AddDate(1, 0, 0))
	return errors.Join(err, f.remove(keys...))
}

// read returns a session, with the time of its latest use.
func (f sessionFolder) read(k string) (r record, err error) {
	text, err := os.ReadFile(f.file(k))
	if err == nil {
		err = jsonx.Unmarshal(text, &r)
	}
	if err == nil && r.User == "" {
		err = errors.New("it has no user")
	}
	if info, failed := os.Stat(f.file(k)); err == nil && failed == nil && info.ModTime().After(r.Seen) {
		r.Seen = info.ModTime().UTC()
	}
	return r, err
}

// restore brings the sessions of the folder into the cache, when the node starts.
func (n *node) restore(ctx context.Context) error {
	n.folder.removeTemps()
	n.sweep()
	keys, err := n.folder.keys(time.Now().AddDate(1, 0, 0))
	if err != nil {
		return fmt.Errorf("the folder of the sessions cannot be read: %w", err)
	}
	type kept struct {
		indexEntry
		created time.Time
	}
	users := map[string][]kept{}
	for _, k := range keys {
		r, err := n.folder.read(k)
		if err != nil {
			n.api.Log().Warn("a file of a session was left out, because it cannot be read: its user has to log in again", "file", n.folder.file(k), "error", err.Error())
			continue
		}
		if !time.Now().Before(r.End) {
			continue
		}
		if err := n.s.record.Set(ctx, n.api, k, r, n.s.life(&r)); err != nil {
			return fmt.Errorf("a session was not brought back: %w", err)
		}
		users[r.User] = append(users[r.User], kept{indexEntry{k, r.End}, r.Created})
	}
	for user, sessions := range users {
		slices.SortFunc(sessions, func(a, b kept) int { return cmp.Or(a.created.Compare(b.created), strings.Compare(a.Key, b.Key)) })
		var list []indexEntry
		for _, s := range sessions {
			list = append(list, s.indexEntry)
		}
		if err := n.s.setListed(ctx, n.api, user, list); err != nil {
			return fmt.Errorf("the sessions of a user were not brought back: %w", err)
		}
	}
	return n.dropLost(ctx)
}

// dropLost removes the files of sessions that the cache has lost, because the app has cleared it: a restart must not bring
// them back, and no list has them for RevokeAll. The cache has a mark as long as it has lost nothing.
func (n *node) dropLost(ctx context.Context) error {
	if n.folder == "" {
		return nil
	}
	n.dropping.Lock()
	defer n.dropping.Unlock()
	mark := actionhero.CacheOf[bool]{Prefix: n.s.index.Prefix}
	if _, err := mark.Get(ctx, n.api, markKey); !isMissing(err) {
		return err
	}
	if err := mark.Set(ctx, n.api, markKey, true, n.s.cfg.Absolute); err != nil {
		return err
	}
	err := n.removeLost(ctx)
	if err != nil {
		_, failed := mark.Delete(context.WithoutCancel(ctx), n.api, markKey)
		err = errors.Join(err, failed)
	}
	return err
}

// markKey is the key of the mark of dropLost. It is no key of the list of a user.
const markKey = "complete"

func (n *node) removeLost(ctx context.Context) error {
	keys, err := n.folder.keys(time.Now().AddDate(1, 0, 0))
	var lost []string
	for _, k := range keys {
		_, err := n.s.record.Get(ctx, n.api, k)
		switch {
		case isMissing(err):
			lost = append(lost, k)
		case err != nil:
			return err
		}
	}
	return errors.Join(err, n.folder.remove(lost...))
}

// sweep removes the files of expired sessions.
func (n *node) sweep() {
	n.swept = time.Now()
	keys, err := n.folder.keys(n.swept.Add(-n.s.cfg.Idle - n.s.interval()))
	if err = errors.Join(err, n.folder.remove(keys...)); err != nil {
		n.api.Log().Warn("files of sessions that have ended were not removed", "error", err.Error())
	}
}
