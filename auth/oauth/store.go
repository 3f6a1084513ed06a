package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/savefile"
)

// The kinds of records.
const (
	grantKind  = "grant"
	clientKind = "client"
	userKind   = "user" // the ids of the grants of a user, by the hash of the ID
)

// stored is a record with its end.
type stored struct {
	End   time.Time       `json:"end"`
	Value json.RawMessage `json:"value"`
}

// records keeps what must survive a restart: in the store of a cluster, and on one machine in memory and in files. The folder
// belongs to this process, so the memory has all that the files have.
type records struct {
	api    *actionhero.API
	shared bool   // the backend is one of a cluster
	folder string // "": in memory only

	mu    sync.Mutex
	known map[string]stored // by the name of the file without its end; unless shared
	swept time.Time
}

const fileEnd = ".json"

// sweepPause is the time between two removals of records that have ended.
const sweepPause = time.Hour

func newRecords(api *actionhero.API) *records {
	return &records{api: api, shared: api.Cluster.Shared(), known: map[string]stored{}}
}

// open reads the files.
func (s *records) open(context.Context) error {
	if s.shared {
		return nil
	}
	keeper, ok := s.api.Config().Backend.(backend.Keeper)
	if !ok || keeper.Folder() == "" {
		s.api.Log().Warn("the grants of OAuth clients end at a restart, because the backend has no files: set tasks.path, or redis.enable")
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folder = filepath.Join(keeper.Folder(), "oauth")
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return fmt.Errorf("the folder of the OAuth grants cannot be made: %w", err)
	}
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return fmt.Errorf("the folder of the OAuth grants cannot be read: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(s.folder, entry.Name())
		name, ok := strings.CutSuffix(entry.Name(), fileEnd)
		if strings.HasPrefix(entry.Name(), savefile.TempStart) {
			_ = os.Remove(path) // a crash has left it
		}
		if !ok {
			continue
		}
		text, err := os.ReadFile(path)
		var record stored
		if err == nil {
			err = jsonx.Unmarshal(text, &record)
		}
		if err != nil {
			s.api.Log().Warn("a file of an OAuth grant was left out, because it cannot be read", "file", path, "error", err.Error())
			continue
		}
		s.known[name] = record
	}
	return s.sweep()
}

// sweep removes records that have ended. They count for nothing, so it does not wait for the disk. The caller holds s.mu.
func (s *records) sweep() (err error) {
	s.swept = time.Now()
	for name, record := range s.known {
		if s.swept.After(record.End) {
			err = errors.Join(err, s.unlink(name))
		}
	}
	return err
}

// unlink removes a record. A crash may bring it back. The caller holds s.mu.
func (s *records) unlink(name string) error {
	delete(s.known, name)
	if s.folder == "" {
		return nil
	}
	if err := os.Remove(filepath.Join(s.folder, name+fileEnd)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// drop removes a record, durably. The caller holds s.mu.
func (s *records) drop(name string) error {
	if err := s.unlink(name); err != nil || s.folder == "" {
		return err
	}
	return savefile.SyncFolder(s.folder)
}

func cacheOf(kind string) actionhero.CacheOf[json.RawMessage] {
	return actionhero.CacheOf[json.RawMessage]{Prefix: "_oauth:" + kind + ":"}
}

// put stores a record in place of an older one, durably. An id has only characters that a name of a file may have.
func (s *records) put(ctx context.Context, kind, id string, value any, end time.Time) error {
	text, err := jsonx.Marshal(value)
	if err != nil {
		return err
	}
	if s.shared {
		return cacheOf(kind).Set(ctx, s.api, id, text, max(time.Until(end), time.Millisecond))
	}
	record, name := stored{end, text}, kind+"-"+id
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.swept) > sweepPause {
		if err := s.sweep(); err != nil {
			s.api.Log().Warn("files of OAuth grants that have ended were not removed", "error", err.Error())
		}
	}
	if s.folder != "" {
		file, err := jsonx.Marshal(record)
		if err == nil {
			err = savefile.Save(filepath.Join(s.folder, name+fileEnd), file, time.Now())
		}
		if err != nil {
			return err
		}
	}
	s.known[name] = record
	return nil
}

// get reads a record. ok is false if there is none.
func (s *records) get(ctx context.Context, kind, id string, into any) (ok bool, err error) {
	var text json.RawMessage
	if s.shared {
		text, err = cacheOf(kind).Get(ctx, s.api, id)
		if isMissing(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	} else {
		s.mu.Lock()
		record, has := s.known[kind+"-"+id]
		s.mu.Unlock()
		if !has || time.Now().After(record.End) {
			return false, nil
		}
		text = record.Value
	}
	return true, jsonx.Unmarshal(text, into)
}

// has reports whether there are n records of the kind that have not ended. It counts only those of a server without a cluster.
func (s *records) has(kind string, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, record := range s.known {
		if strings.HasPrefix(name, kind+"-") && time.Now().Before(record.End) {
			if n--; n <= 0 {
				return true
			}
		}
	}
	return false
}

// remove removes a record, durably. It reports whether there was one.
func (s *records) remove(ctx context.Context, kind, id string) (was bool, err error) {
	if s.shared {
		return cacheOf(kind).Delete(ctx, s.api, id)
	}
	name := kind + "-" + id
	s.mu.Lock()
	defer s.mu.Unlock()
	_, was = s.known[name]
	return was, s.drop(name)
}

func isMissing(err error) bool {
	failure := actionhero.AsError(err)
	return failure != nil && failure.Code == actionhero.CodeNotFound
}
