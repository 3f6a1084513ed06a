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
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
	"github.com/actionhero-go/actionhero/backend/local/internal/queue"
	"github.com/actionhero-go/actionhero/internal/setting"
)

type filled = setting.Filled

// Config holds the settings of the embedded backend: the section cache of the configuration, and Queue. A field that is zero has
// its default, which its tag names, unless server.Load made the Config: then a zero counts.
type Config struct {
	filled

	MaxBytes int64 `json:"maxBytes" unit:"bytes" default:"256 MiB" min:"1" doc:"memory of cached entries and locks: keys, values and 128 bytes for each; the cache refuses more"`

	Queue QueueConfig `json:"-"` // how jobs are stored; default: in memory
}

// QueueConfig holds the settings of the queue of jobs, a part of the section tasks of the configuration. Its zero fields are
// like those of [Config].
type QueueConfig struct {
	filled

	Path          string        `json:"path" range:"empty is in memory" doc:"folder in which tasks are stored; it belongs to one process at a time"`
	KeepCompleted time.Duration `json:"keepCompleted" default:"24h" range:"0 or less is not at all" doc:"time for which completed and cancelled tasks are kept"`
	KeepFailed    time.Duration `json:"keepFailed" default:"168h" range:"0 or less is not at all" doc:"time for which dead tasks are kept, and can be retried"`
	KeepMost      int           `json:"keepMost" default:"100000" min:"1" unit:"tasks" doc:"completed and cancelled tasks to keep, and dead ones"`
	MaxJobs       int           `json:"maxJobs" default:"2000000" min:"1" unit:"tasks" doc:"tasks that may wait or run; the queue refuses more"`
	MaxBytes      int64         `json:"maxBytes" unit:"bytes" auto:"1 GiB, or 256 MiB in memory" min:"1" doc:"size of all tasks: parameters, names and 160 bytes for each"`
}

func (c QueueConfig) withDefaults() (queue.Config, error) {
	setting.Fill(&c)
	if err := setting.Check("tasks", &c); err != nil {
		return queue.Config{}, err
	}
	c.KeepCompleted, c.KeepFailed = max(c.KeepCompleted, 0), max(c.KeepFailed, 0)
	if c.MaxBytes == 0 {
		if c.MaxBytes = 256 << 20; c.Path != "" {
			c.MaxBytes = 1 << 30
		}
	}
	config := queue.Config{KeepCompleted: c.KeepCompleted, KeepFailed: c.KeepFailed, KeepMost: c.KeepMost, MaxJobs: c.MaxJobs, MaxBytes: c.MaxBytes,
		FileBytes: journal.DefaultSegmentSize}
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
	setting.Fill(&config)
	return &Backend{config: config, store: newStore(config.MaxBytes), broker: newBroker(), queue: queue.New()}
}

// Store returns the part that keeps entries by key.
func (b *Backend) Store() backend.Store { return b.store }

// Broker returns the part that carries messages to rooms.
func (b *Backend) Broker() backend.Broker { return b.broker }

// Queue returns the part that keeps jobs.
func (b *Backend) Queue() backend.Queue { return b.queue }

// Open makes the backend ready for use. It fails if it is open already or if a setting of [Config] is out of range.
func (b *Backend) Open(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := setting.Check("cache", &b.config); err != nil {
		return err
	}
	if b.open {
		return errors.New("the embedded backend is open already: close it before opening it again, and use a backend of its own for each API")
	}
	config, err := b.config.Queue.withDefaults()
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

// checkLength returns the error for a key, room or member that has too many bytes, or nil.
func checkLength(what, name string) error {
	if len(name) <= backend.MaxKeyBytes {
		return nil
	}
	return fmt.Errorf("a %s of %d bytes, %.32q…, is refused: %w", what, len(name), name, backend.ErrKeyTooLong)
}

// Repaired says what [Repair] did.
type Repaired struct {
	Jobs        int      // how many jobs there are now
	LostCommits int      // how many changes, or groups of changes made at the same time, are known to be lost
	Lost        []string // where something was that cannot be read; empty: nothing was damaged, and nothing was done
	SetAside    []string // files in the folder, as they are now called, that are not needed any more
}

// Repair makes the folder path, in which jobs are kept, usable again if Open says that it is damaged: it keeps what is
// whole, and sets the files aside. A job of which only the end of a run was lost runs again. It fails if a server uses
// the folder; if it fails for another reason, it can be tried again.
func Repair(path string) (Repaired, error) {
	config, err := QueueConfig{Path: path}.withDefaults()
	if err != nil {
		return Repaired{}, err
	}
	r, err := queue.Repair(config)
	return Repaired{Jobs: r.Jobs, LostCommits: r.Loss.Batches, Lost: r.Loss.Places, SetAside: r.Aside}, err
}
