package backend

import (
	"context"
	"errors"
	"time"
)

// MaxKeyBytes is the maximum length of a key of a [Store], of a room name and of a member id, in bytes.
const MaxKeyBytes = 1024

// The errors that callers can act upon. Compare errors with [errors.Is], because a backend may wrap them in a sentence
// with details.
var (
	// ErrNotFound means that there is no entry with this key, that the entry has expired, or that there is no job with
	// this id.
	ErrNotFound = errors.New("there is no entry with this key, or it has expired")
	// ErrFull means that the memory limit of the store, or a limit of the queue, is reached. The stored entries and
	// jobs remain.
	ErrFull = errors.New("the store is full: delete entries, let them expire sooner or raise its limit")
	// ErrClosed means that the backend was used before Open or after Close.
	ErrClosed = errors.New("the backend is not open: use it after Open and before Close")
	// ErrKeyTooLong means that a key, a name or a member id is longer than [MaxKeyBytes].
	ErrKeyTooLong = errors.New("the key is too long: use at most 1024 bytes")
	// ErrTooLarge means that the parameters of a job are longer than [MaxParamsBytes], or that the jobs of one Enqueue
	// call are together larger than [MaxEnqueueBytes].
	ErrTooLarge = errors.New("the job is too large: store its data elsewhere and enqueue a reference to it")
	// ErrInvalid means that a field of a job is out of range. The text names the field.
	ErrInvalid = errors.New("the job is refused: correct that field")
	// ErrDiskFull means that the disk that stores the jobs is full. Calls succeed again once the disk has room.
	ErrDiskFull = errors.New("the disk is full: make room on it")
	// ErrReadOnly means that the folder that stores the jobs is not writable.
	ErrReadOnly = errors.New("the folder is not writable: give the user of this process write access, or name another folder")
	// ErrInUse means that another process has locked the folder that stores the jobs.
	ErrInUse = errors.New("another process uses this folder: stop it, or give each process a folder of its own")
	// ErrDamaged means that a file that stores jobs has changed since the backend wrote it.
	ErrDamaged = errors.New("the file is damaged: stop the server and run `actionhero tasks repair`, which keeps all intact jobs and renames the damaged files")
	// ErrRunning means that the call failed because the job is running. A running job can only be cancelled.
	ErrRunning = errors.New("the job is running: wait for its end or cancel it")
	// ErrEarly means that the time of a schedule is more than 2 s ahead of the clock of the server that stores the jobs.
	ErrEarly = errors.New("the clock of this node is ahead of the server's: synchronize both clocks")
	// ErrUnavailable means that the server of the backend did not answer in time, or that this node is cut off from it.
	// If the call changes something, the change may have happened.
	ErrUnavailable = errors.New("the server that the nodes share does not answer: check that it runs and can be reached")
	// ErrNodeInUse means that another live process uses the id of this node. Each node of a cluster needs an id of its
	// own.
	ErrNodeInUse = errors.New("another running node has this id: give each node an id of its own in general.id")
	// ErrNoNode means that no live node of the cluster has the given id.
	ErrNoNode = errors.New("no live node has this id")
	// ErrDuplicate means that another job holds the unique key of this job. Only one job at a time can hold a unique
	// key.
	ErrDuplicate = errors.New("another job has its unique key: wait for that job's end or delete it")
)

// Node describes one node of a cluster: one process that uses a [Backend].
type Node struct {
	// ID is the name of the node, of 1 to [MaxKeyBytes] bytes. Only one live node of a cluster has the id.
	ID string
	// Tag identifies the process. It is a part of the ids of the process's connections, so that each node finds the
	// node of a connection without a lookup. Tags are random, so two nodes may have the same one.
	Tag uint32
	// Started is the time at which the node started, by the wall clock of its machine.
	Started time.Time
	// Details is a JSON object that describes the node to its peers, of at most 16 KiB.
	Details []byte
}

// Backend stores the state that the nodes of an API share. The methods Store, Broker, Queue and Cluster return the same
// values for the whole life of the backend and may be called before Open.
type Backend interface {
	// Store returns the key-value store.
	Store() Store
	// Broker returns the message broker.
	Broker() Broker
	// Queue returns the job queue.
	Queue() Queue
	// Cluster returns the list of nodes and the calls between them.
	Cluster() Cluster
	// Open makes the backend usable and adds this process to the cluster as the given node. It fails if the backend is
	// already open, if the configuration of the backend is invalid, or if the server of the backend does not reply
	// before ctx ends. If another node has the id, Open waits until that node leaves or its lease has ended. If the other
	// node lives on, Open fails with [ErrNodeInUse], at the latest when ctx ends.
	Open(ctx context.Context, node Node) error
	// Close makes the backend unusable until the next Open. Close removes the members of this node from their rooms,
	// and the node from the cluster. It waits until running message deliveries and handlers of calls have ended, starts
	// no new ones, and stops all goroutines of the backend. If the backend is not open, Close does nothing.
	Close(ctx context.Context) error
	// Health returns nil while this node can reach the server of the backend and receives its messages. Otherwise it
	// returns an error for operators that wraps [ErrUnavailable]. A load balancer should send no new clients to a node
	// whose backend is not healthy. After Open, a backend becomes healthy when its connections for messages are
	// subscribed. An embedded backend is healthy while it is open.
	Health() error
}

// Keeper is a [Backend] with files on this machine, whose entries do not survive a restart. A package that needs to keep
// entries may write files below its folder.
type Keeper interface {
	// Folder returns the folder, which belongs to this process while the backend is open, or "" if the backend has no files.
	Folder() string
}
