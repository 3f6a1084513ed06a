// Package local is the embedded backend: all state lives in the memory of one process, so its cluster is one node. An
// API uses it if no server is configured, and so do tests.
//
//	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, ...)
//
// Begin reading with [Backend]; its three parts are store.go, broker.go and package internal/queue.
//
//   - Reading from the store takes no lock. An item in memory never changes; a write replaces it.
//   - Entries and locks expire without a scan of the others. Each of 64 shards keeps the items that expire in a heap. A
//     timer is set only while an item can expire, and fires at most 100 ms after the next expiry.
//   - The store's memory is bounded, see [Config.MaxBytes].
//   - A caller that waits for a lock sleeps until the lock is unlocked or expires. Waiting callers get it in their
//     order.
//   - Fences begin at the Unix time in microseconds. They therefore grow from one process to the next, unless the wall
//     clock was set back.
//   - The goroutine that publishes a message also delivers it. Each room gets one message at a time.
//   - The store keeps its entries until the [Backend] value is garbage, also while it is closed. The same holds for jobs,
//     unless [QueueConfig.Path] names a folder for them.
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

// Config configures the embedded backend. The zero value works. It is the section `cache` of a configuration file.
type Config struct {
	MaxBytes int64 `json:"maxBytes" doc:"the maximum memory of cached entries and locks, in bytes: keys, values and 128 bytes for each"` // default: 268435456 (256 MiB)

	Queue QueueConfig `json:"-"` // where and how long jobs are kept; default: in memory
}

const defaultMaxBytes = 256 << 20

// QueueConfig configures the job queue. The zero value works. It is part of the section `tasks` of a configuration
// file.
type QueueConfig struct {
	Path          string        `json:"path" doc:"the folder in which tasks are stored; only one process at a time can use it"`              // default: none, tasks stay in memory
	KeepCompleted time.Duration `json:"keepCompleted" doc:"how long completed and cancelled tasks are kept"`                                 // default: 24h; negative: not at all
	KeepFailed    time.Duration `json:"keepFailed" doc:"how long dead tasks are kept and can be retried"`                                    // default: 168h; negative: not at all
	KeepMost      int           `json:"keepMost" doc:"the maximum number of completed and cancelled tasks that are kept, and of dead ones"`  // default: 100000
	MaxJobs       int           `json:"maxJobs" doc:"the maximum number of tasks that wait or run; more are refused"`                        // default: 2000000
	MaxBytes      int64         `json:"maxBytes" unit:"bytes" doc:"the maximum size of all tasks: parameters, names and 160 bytes for each"` // default: 1 GiB; in memory: 256 MiB
}

// withDefaults returns the queue's configuration, or an error if a bound is negative.
func (c QueueConfig) withDefaults() (queue.Config, error) {
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
		FileBytes: journal.DefaultSegmentSize}
	if c.Path != "" {
		config.FS = journal.Dir(c.Path)
	}
	return config, nil
}

// Backend is a [backend.Backend] that keeps its state in memory. [New] returns one.
type Backend struct {
	config Config
	store  *store
	broker *broker
	queue  *queue.Queue

	mu   sync.Mutex // serializes Open and Close
	open bool
}

// New returns an embedded backend that is not open yet. [Backend.Open] returns an error if config is invalid.
func New(config Config) *Backend {
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultMaxBytes
	}
	return &Backend{config: config, store: newStore(config.MaxBytes), broker: newBroker(), queue: queue.New()}
}

// Store returns the store of entries and locks.
func (b *Backend) Store() backend.Store { return b.store }

// Broker returns the broker of room messages.
func (b *Backend) Broker() backend.Broker { return b.broker }

// Queue returns the job queue.
func (b *Backend) Queue() backend.Queue { return b.queue }

// Open makes the backend ready for use. It fails if the backend is open already, if a bound in [Config] is
// negative, or if the folder of jobs cannot be used.
func (b *Backend) Open(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.config.MaxBytes < 0 {
		return fmt.Errorf("cache.maxBytes is %d: it must be 1 or more, or 0 for the default of %d", b.config.MaxBytes, defaultMaxBytes)
	}
	if b.open {
		return errors.New("the embedded backend is open already: close it before opening it again, and give each API its own backend")
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

// Close waits for running deliveries and closes the backend until the next Open. Entries stay, all rooms become empty.
// If the backend is not open, Close does nothing.
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

// checkLength returns an error if the name of a key, room or member has more than [backend.MaxKeyBytes] bytes.
func checkLength(what, name string) error {
	if len(name) <= backend.MaxKeyBytes {
		return nil
	}
	return fmt.Errorf("a %s of %d bytes, %.32q…, is refused: %w", what, len(name), name, backend.ErrKeyTooLong)
}

// Repaired is the result of [Repair].
type Repaired struct {
	Jobs        int      // the number of jobs after the repair
	LostCommits int      `json:"Commits"` // the known number of lost commits; one commit holds all changes made at the same time
	Lost        []string // the places in files that cannot be read; empty: nothing was damaged, and Repair changed nothing
	SetAside    []string `json:"Aside"` // the new names of the old files; they are no longer needed
}

// Repair repairs the folder path, in which jobs are stored, if Open reports it as damaged. It keeps all jobs that can
// be read and renames the old files. If only the record of a run's end is lost, that job runs again. Repair fails if a
// process uses the folder. After any other error it can be repeated.
func Repair(path string) (Repaired, error) {
	config, err := QueueConfig{Path: path}.withDefaults()
	if err != nil {
		return Repaired{}, err
	}
	r, err := queue.Repair(config)
	return Repaired{Jobs: r.Jobs, LostCommits: r.Loss.Batches, Lost: r.Loss.Places, SetAside: r.SetAside}, err
}
