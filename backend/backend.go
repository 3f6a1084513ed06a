package backend

import (
	"context"
	"errors"
)

// MaxKeyBytes is how long a key of a [Store], the name of a room and the id of a member may be, in bytes.
const MaxKeyBytes = 1024

// The errors that callers may want to tell apart. Compare with [errors.Is]: a backend may wrap them in a sentence that
// says more.
var (
	// ErrNotFound means that there is no such key, or that its entry has expired.
	ErrNotFound = errors.New("there is no entry with this key, or it has expired")
	// ErrFull means that the bound on the store's memory is reached. What was stored before is still there.
	ErrFull = errors.New("the store is full: delete entries, let them expire sooner or raise its limit")
	// ErrClosed means that the backend was used before Open or after Close.
	ErrClosed = errors.New("the backend is not open: use it after Open and before Close")
	// ErrKeyTooLong means that a key, room or member is longer than [MaxKeyBytes].
	ErrKeyTooLong = errors.New("the key is too long: use at most 1024 bytes")
	// ErrTooLarge means that a job is larger than [MaxParamsBytes] or an Enqueue than [MaxEnqueueBytes].
	ErrTooLarge = errors.New("the job is too large: keep what it works on elsewhere and enqueue where it is")
	// ErrDiskFull means that there is no room left on the disk where jobs are kept. It works again once there is.
	ErrDiskFull = errors.New("the disk is full: make room on it")
	// ErrReadOnly means that the folder where jobs are kept cannot be written to.
	ErrReadOnly = errors.New("the folder cannot be written to: give its owner the right to, or name another one")
	// ErrInUse means that another process has the folder where jobs are kept.
	ErrInUse = errors.New("another process uses this folder: stop it, or give each process a folder of its own")
	// ErrDamaged means that what is kept on disk is not what was written there.
	ErrDamaged = errors.New("the file is damaged: stop the server and run `actionhero tasks repair`, which keeps what is whole and sets the rest aside")
	// ErrRunning means that the job runs, so that it can only be cancelled.
	ErrRunning = errors.New("the job is running: wait for its end or cancel it")
	// ErrDuplicate means that another job has the unique key.
	ErrDuplicate = errors.New("another job has its unique key: wait for that one's end or delete it")
)

// Backend is where an API keeps what its nodes share. Its parts are the same values for its whole life, and may be
// asked for before Open.
type Backend interface {
	// Store returns the part that keeps entries by key.
	Store() Store
	// Broker returns the part that carries messages to rooms.
	Broker() Broker
	// Queue returns the part that keeps jobs.
	Queue() Queue
	// Open makes the backend ready for use. It fails if the backend is open already, if its configuration makes no
	// sense, or if what it connects to does not answer before ctx ends.
	Open(ctx context.Context) error
	// Close ends the backend's use until the next Open: this node's members leave their rooms, deliveries under way are
	// waited for and none begins afterwards, and nothing of the backend runs any more. Closing what is not open does
	// nothing.
	Close(ctx context.Context) error
}
