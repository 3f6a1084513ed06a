// Package local is the backend that needs nothing: everything lives in the memory of this process, so its cluster is
// one node. It is what an API uses when nobody has named a server, and what tests use.
//
//	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, ...)
//
// Reading from its store takes no lock. Entries that expire are removed as they do, without anyone looking at the
// others: each of 64 shards keeps those that will expire in a heap, and a timer, set only while there are such entries,
// goes off soon after the next one is due. The store's memory is bounded, see [Config.MaxBytes].
//
// Who waits for a lock sleeps until it is unlocked or its time is over, and gets it in turn. Fences begin at the time in
// microseconds, so they go on growing in the next process unless the clock was set back.
//
// Messages are delivered in the goroutine that publishes them, one at a time for each room.
//
// The store keeps its entries when the backend is closed and opened again; they are gone with the [Backend] itself. So
// are the jobs of its queue, unless [QueueConfig.Path] names a folder for them.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
	"github.com/actionhero-go/actionhero/backend/local/internal/queue"
)

// Config is what may be set about the embedded backend; the zero value works. It is the section `cache` of a
// configuration file.
type Config struct {
	MaxBytes int64 `json:"maxBytes" doc:"the most memory that cached entries and locks may take, in bytes: keys, values and 128 bytes for each"` // default: 268435456 (256 MiB)

	Queue QueueConfig `json:"-"` // how jobs are kept; default: in memory
}

const defaultMaxBytes = 256 << 20

// QueueConfig is what may be set about the queue of jobs; the zero value works. It is part of the section `tasks` of a
// configuration file.
type QueueConfig struct {
	Path          string        `json:"path" doc:"the folder in which tasks are kept; it belongs to one process at a time"`                // default: none, tasks are kept in memory
	KeepCompleted time.Duration `json:"keepCompleted" doc:"for how long completed and cancelled tasks can be looked at"`                   // default: 24h; negative: not at all
	KeepFailed    time.Duration `json:"keepFailed" doc:"for how long tasks that failed for good can be looked at, and retried"`            // default: 168h; negative: not at all
	KeepMost      int           `json:"keepMost" doc:"how many completed and cancelled tasks are kept at most, and how many dead ones"`    // default: 100000
	MaxJobs       int           `json:"maxJobs" doc:"how many tasks may wait or run; more are refused"`                                    // default: 2000000
	MaxBytes      int64         `json:"maxBytes" unit:"bytes" doc:"how much all tasks may take: parameters, names and 160 bytes for each"` // default: 1 GiB; in memory: 256 MiB
}

func (c QueueConfig) complete() (queue.Config, error) {
	c.KeepCompleted = max(cmp.Or(c.KeepCompleted, 24*time.Hour), 0)
	c.KeepFailed = max(cmp.Or(c.KeepFailed, 7*24*time.Hour), 0)
	c.KeepMost = cmp.Or(c.KeepMost, 100_000)
	c.MaxJobs = cmp.Or(c.MaxJobs, 2_000_000)
	if c.MaxBytes == 0 {
		if c.MaxBytes = 256 << 20; c.Path != "" {
			c.MaxBytes = 1 << 30
		}
	}
	if c.KeepMost < 0 || c.MaxJobs < 0 || c.MaxBytes < 0 {
		return queue.Config{}, fmt.Errorf("tasks.keepMost is %d, tasks.maxJobs %d and tasks.maxBytes %d: all must be 1 or more, or 0 for their defaults",
			c.KeepMost, c.MaxJobs, c.MaxBytes)
	}
	config := queue.Config{KeepCompleted: c.KeepCompleted, KeepFailed: c.KeepFailed, KeepMost: c.KeepMost, MaxJobs: c.MaxJobs, MaxBytes: c.MaxBytes,
		FileBytes: journal.DefaultSize}
	if c.Path != "" {
		config.FS = journal.Dir(c.Path)
	}
	return config, nil
}

// Backend keeps everything in memory. [New] makes one.
type Backend struct {
	config Config
	store  *store
	broker *broker
	queue  *queue.Queue

	mu   sync.Mutex // for Open and Close
	open bool
}

// New returns an embedded backend that is not open yet. Open reports what is wrong with config.
func New(config Config) *Backend {
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultMaxBytes
	}
	return &Backend{config: config, store: newStore(config.MaxBytes), broker: newBroker(), queue: queue.New()}
}

// Store returns the part that keeps entries by key.
func (b *Backend) Store() backend.Store { return b.store }

// Broker returns the part that carries messages to rooms.
func (b *Backend) Broker() backend.Broker { return b.broker }

// Queue returns the part that keeps jobs.
func (b *Backend) Queue() backend.Queue { return b.queue }

// Open makes the backend ready for use. It fails if it is open already or if a bound in [Config] is negative.
func (b *Backend) Open(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.config.MaxBytes < 0 {
		return fmt.Errorf("cache.maxBytes is %d: it must be 1 or more, or 0 for the default of %d", b.config.MaxBytes, defaultMaxBytes)
	}
	if b.open {
		return errors.New("the embedded backend is open already: close it before opening it again, and use a backend of its own for each API")
	}
	config, err := b.config.Queue.complete()
	if err != nil {
		return err
	}
	if err := b.queue.Open(config); err != nil {
		return err
	}
	b.open = true
	b.store.start()
	b.broker.start()
	return nil
}

// Close ends the backend's use until the next Open. Entries stay; all rooms are empty afterwards. It waits for
// deliveries under way.
func (b *Backend) Close(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return nil
	}
	b.open = false
	b.broker.stop()
	b.store.stop()
	return b.queue.Close()
}

// tooLong returns the error for a key, room or member that has too many bytes, or nil.
func tooLong(what, name string) error {
	if len(name) <= backend.MaxKeyBytes {
		return nil
	}
	return fmt.Errorf("a %s of %d bytes, %.32q…, is refused: %w", what, len(name), name, backend.ErrKeyTooLong)
}

// Repaired says what [Repair] did.
type Repaired struct {
	Jobs    int      // how many jobs there are now
	Commits int      // how many changes, or groups of changes made at the same time, are known to be lost
	Lost    []string // where something was that cannot be read; empty: nothing was damaged, and nothing was done
	Aside   []string // files in the folder, as they are now called, that are not needed any more
}

// Repair makes the folder path, in which jobs are kept, usable again if Open says that it is damaged: it keeps what is
// whole, and sets the files aside. A job of which only the end of a run was lost runs again. It fails if a server uses
// the folder; if it fails for another reason, it can be tried again.
func Repair(path string) (Repaired, error) {
	config, err := QueueConfig{Path: path}.complete()
	if err != nil {
		return Repaired{}, err
	}
	r, err := queue.Repair(config)
	return Repaired{Jobs: r.Jobs, Commits: r.Loss.Commits, Lost: r.Loss.Places, Aside: r.Renamed}, err
}
