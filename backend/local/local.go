// Package local is the embedded backend: it keeps all state in the memory of one process, so its cluster is one node.
// An API uses this backend if no server is configured. Tests use it, too.
//
//	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, ...)
//
// Begin reading with [Backend]. Its parts are the store (store.go), the broker (broker.go), the queue (package
// internal/queue) and the cluster of one node (cluster.go).
//
//   - Reading from the store takes no lock. An item in memory never changes; a write replaces the item.
//   - Entries and locks expire without a scan of the others. Each of the 64 shards of the store keeps the items that
//     expire in a heap. A timer is set only while an item can expire, and fires at most 100 ms after the next expiry.
//   - The store's memory is bounded, see [Config.MaxBytes].
//   - A caller that waits for a lock sleeps until the lock is unlocked or expires. Waiting callers get the lock in the
//     order in which they began to wait.
//   - Fences of locks begin at the Unix time in microseconds. They therefore grow from one process to the next, unless
//     the wall clock was set back.
//   - The goroutine that publishes a message also delivers the message. Each room gets one message at a time.
//   - The store keeps its entries until the [Backend] value is garbage, also while the store is closed. The same holds
//     for jobs, unless [QueueConfig.Path] names a folder in which jobs are stored.
package local

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
	"github.com/actionhero-go/actionhero/backend/local/internal/queue"
	"github.com/actionhero-go/actionhero/internal/setting"
)

type filled = setting.Filled

var _, _ = Config{}.filled, QueueConfig{}.filled // package setting reads the field by reflection

// Config holds the settings of the embedded backend: the section "cache" of the configuration, and the settings of the
// queue. If a field is zero, New uses the default that the tag of the field names. If server.Load made the Config, a
// zero field stays zero.
type Config struct {
	filled

	MaxBytes int64 `json:"maxBytes" unit:"bytes" default:"256 MiB" min:"1" limit:"server" reached:"an error of errorCode resourceExhausted" doc:"memory of cached entries and locks: keys, values and 128 bytes for each; the cache refuses more"`

	Queue QueueConfig `json:"-"` // how jobs are stored; default: in memory
}

// QueueConfig holds the settings of the queue of jobs, a part of the section "tasks" of the configuration. If a field
// is zero, the backend uses the default of the field. The exception for server.Load in [Config] applies here, too.
type QueueConfig struct {
	filled

	Path          string        `json:"path" doc:"folder in which tasks are stored; it belongs to one process at a time"` // empty: in memory
	KeepCompleted time.Duration `json:"keepCompleted" default:"24h" range:"0 or less is not at all" doc:"time for which completed and cancelled tasks are kept"`
	KeepFailed    time.Duration `json:"keepFailed" default:"168h" range:"0 or less is not at all" doc:"time for which dead tasks are kept, and can be retried"`
	KeepMost      int           `json:"keepMost" default:"100000" min:"1" unit:"tasks" limit:"server" reached:"nothing; the oldest finished ones are removed" doc:"completed and cancelled tasks to keep, and dead ones"`
	MaxJobs       int           `json:"maxJobs" default:"2000000" min:"1" unit:"tasks" limit:"server" reached:"an error of errorCode resourceExhausted" doc:"tasks that may wait or run; the queue refuses more"`
	Shards        int           `json:"shards" default:"1" min:"1" max:"64" range:"1, 2, 4, 8, 16, 32 or 64" doc:"with redis.cluster: parts of the queue, each on one master; the same number on all nodes"`
	MaxBytes      int64         `json:"maxBytes" unit:"bytes" auto:"1 GiB, or 256 MiB in memory" min:"1" limit:"server" reached:"an error of errorCode resourceExhausted" doc:"size of all tasks: parameters, names and 160 bytes for each; the oldest finished ones are removed first, then the queue refuses more"`
}

// withDefaults sets the defaults of the zero fields and returns the configuration for package queue. It returns an
// error if a field is out of range.
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

// Backend is a [backend.Backend] that keeps its state in memory, and jobs on disk if [QueueConfig.Path] is set. [New]
// returns a Backend.
type Backend struct {
	config  Config
	store   *store
	broker  *broker
	queue   *queue.Queue
	cluster *cluster

	mu   sync.Mutex // serializes Open and Close
	open bool
}

// New returns an embedded backend that is not open yet. If config is invalid, [Backend.Open] returns an error.
func New(config Config) *Backend {
	setting.Fill(&config)
	return &Backend{config: config, store: newStore(config.MaxBytes), broker: newBroker(), queue: queue.New(), cluster: newCluster()}
}

// Folder implements [backend.Keeper]: it returns [QueueConfig.Path].
func (b *Backend) Folder() string { return b.config.Queue.Path }

// Store returns the key-value store of the backend, which has the entries and locks.
func (b *Backend) Store() backend.Store { return b.store }

// Broker returns the message broker of the backend, which sends messages to the members of rooms.
func (b *Backend) Broker() backend.Broker { return b.broker }

// Queue returns the job queue of the backend.
func (b *Backend) Queue() backend.Queue { return b.queue }

// Cluster returns the cluster of the backend, which is this node alone.
func (b *Backend) Cluster() backend.Cluster { return b.cluster }

// Health returns nil while the backend is open.
func (b *Backend) Health() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return backend.ErrClosed
	}
	return nil
}

// Open makes the backend ready for use. It fails if the backend is open already, if a setting of [Config] is out of
// range, or if the folder of the jobs cannot be used.
func (b *Backend) Open(_ context.Context, node backend.Node) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := setting.Check("cache", &b.config); err != nil {
		return err
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
	b.broker.start(node.ID)
	b.cluster.join(node)
	return nil
}

// Close waits until running message deliveries have ended, and closes the backend until the next Open. The entries of
// the store stay, and all rooms become empty. If the backend is not open, Close does nothing.
func (b *Backend) Close(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return nil
	}
	b.open = false
	b.cluster.leave()
	b.broker.stop()
	b.store.stop()
	return b.queue.Close()
}

// Repaired is the result of [Repair]: the jobs after the repair, and all that is known about the lost jobs and changes.
type Repaired struct {
	Jobs        int      `json:"jobs"`        // the number of jobs after the repair
	LostCommits int      `json:"lostCommits"` // the known number of lost commits; one commit holds all changes made at the same time
	MoreLost    bool     `json:"moreLost"`    // further commits may be lost, and their number cannot be known
	Lost        []string `json:"lost"`        // the unreadable files and places in files; empty: nothing was damaged, and Repair changed nothing
	Missing     []IDs    `json:"missing"`     // the jobs in the lost part that are not there; those that ended long ago are among them
	MissingUpTo uint64   `json:"missingUpTo"` // further jobs with this id or a lower one may be missing; 0: none
	MissingFrom uint64   `json:"missingFrom"` // further jobs with this id or a higher one may be missing; 0: none
	Held        []uint64 `json:"held"`        // the ids of jobs that may have ended in the lost part; they are dead until [ResumeHeld]
	SetAside    []string `json:"setAside"`    // the new names of the old files, which are no longer needed
}

// IDs is a range of job ids, both ends included.
type IDs struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// MissingJobs returns the number of jobs in Missing.
func (r *Repaired) MissingJobs() (n uint64) {
	for _, ids := range r.Missing {
		n += ids.To - ids.From + 1
	}
	return n
}

// Repair repairs the folder path, in which jobs are stored, if Open reports the folder as damaged. Repair keeps all
// jobs that can be read, and renames the old files. Repair fails if a process uses the folder. After an error, Repair
// can be called again.
//
// A job that waited or ran before the lost part may have been cancelled or have ended in that part. If no later record
// has its state, Repair holds the job: it is dead, so that a cancelled job does not run again.
func Repair(path string) (Repaired, error) {
	config, err := QueueConfig{Path: path}.withDefaults()
	if err != nil {
		return Repaired{}, err
	}
	r, err := queue.Repair(config)
	repaired := Repaired{Jobs: r.Jobs, LostCommits: r.Loss.Batches, MoreLost: r.Loss.Unknown, Lost: r.Loss.Places, MissingUpTo: r.UpTo, MissingFrom: r.From, Held: r.Held, SetAside: r.SetAside}
	for _, ids := range r.Missing {
		repaired.Missing = append(repaired.Missing, IDs(ids))
	}
	return repaired, err
}

// ResumeHeld makes the jobs in the folder path that [Repair] holds wait again, each for its own time, and returns their
// number. A held job whose unique key another job has taken stays dead. ResumeHeld fails if a process uses the folder.
func ResumeHeld(path string) (int, error) {
	config, err := QueueConfig{Path: path}.withDefaults()
	if err != nil {
		return 0, err
	}
	return queue.Resume(config)
}
