// Package bridge lets the packages transport and worker call what package actionhero does not show to its users.
//
// Package actionhero sets the variables below when it is initialised. Its types cross as any, because this package
// imports nothing that imports it; they are pointers, so the conversion allocates nothing. Only package transport, which
// gives the calls their types back, and package worker use it: nothing else may import it (arch_test.go).
package bridge

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Set by package actionhero.
var (
	HostOf    func(api any) Host                                  // of an *actionhero.API
	ParamsOf  func(params any) Params                             // of an *actionhero.Params
	MessageOf func(message any) *Message                          // of an *actionhero.RoomMessage
	WorkerOf  func(api any) Worker                                // of an *actionhero.API
	DetailsOf func(dst []byte, conn any) (object []byte, ok bool) // of an *actionhero.Conn: see transport.AppendDetails
	AppendOut func(dst []byte, req, out any) ([]byte, error)      // of an *actionhero.Request: see transport.AppendOutput
	Part      func(value any) any                                 // an actionhero.Part: see transport.Part
)

// Host is the side of an API that transports use. Package transport documents each method.
type Host interface {
	InitRequest(req any, transport string)
	Dispatch(ctx context.Context, req any) (any, error)
	ActionName(name []byte) string
	ReturnsContent(action string) bool
	Accepts(key string) bool
	Secret(key string) bool
	Connect(transport string, remote netip.AddrPort, sender any) any
	Disconnect(conn any)
	Listening(port int)
	AddOutermost(component any)
	Extensions() []any
}

// Params is the writing half of an actionhero.Params. Package transport documents each method.
type Params interface {
	AcceptAll()
	Add(key, text string) error
	AddJSON(key string, raw []byte) error
	AddFile(key string, file any) error
	AddObject(object []byte) error
	AddParams(other any) error
	NextSource()
	SetPage(api any)
	AppendJSON(dst []byte, hide func(key string) bool) []byte
	AppendParam(dst []byte, key string) []byte
}

// Message is the part of an actionhero.RoomMessage that transports see: how clients read it, and its encoded forms.
type Message struct {
	NamesRoom bool // the room is not the current one of the receivers, so they must read its name
	IsNotice  bool // the body is the whole object that clients read, not a message of a room

	sync.Mutex // guards the encoded forms
	encoded    []encoding
}

type encoding struct {
	wire  any
	bytes []byte
}

// Find returns the encoded form for a kind of wire, nil if there is none. The caller must hold the lock.
func (m *Message) Find(wire any) []byte {
	for _, e := range m.encoded {
		if e.wire == wire {
			return e.bytes
		}
	}
	return nil
}

// Keep adds the encoded form for a kind of wire. The caller must hold the lock.
func (m *Message) Keep(wire any, bytes []byte) { m.encoded = append(m.encoded, encoding{wire, bytes}) }

// Worker is the side of an API that package worker uses.
type Worker interface {
	// RegisterNode declares that a worker in this process runs the jobs of node. Until release is called, a task of
	// actionhero.ScopeAllNodes that is enqueued becomes a job for that node.
	RegisterNode(node string) (release func())
	// RunJob runs a fetched job and returns its outcome. The context of the task ends with ctx and at the task's timeout;
	// limit is the timeout of a task that declares none, 0 for none. A stop of the API does not end it: the worker does.
	RunJob(ctx context.Context, job *backend.Job, limit time.Duration) backend.Outcome
	// Schedule returns the schedule of a task, nil if the task has none.
	Schedule(task string) Schedule
	// EnqueueScheduled enqueues a task because its schedule was due at a time. If several nodes call it for that time, one
	// of them enqueues and the others get false. If the previous scheduled job has not ended, nothing is enqueued.
	EnqueueScheduled(ctx context.Context, task string, at time.Time) (won bool, err error)
	// LastRuns returns when the scheduled tasks were last due, by name, in the whole cluster. It leaves out tasks that
	// never were.
	LastRuns(ctx context.Context) (map[string]time.Time, error)
	// SetLastRun changes when a task was last due without enqueueing it; a zero before means that it never was. It is used
	// when a schedule is first seen, and when a clock was set back. If the stored time is not before, it changes nothing
	// and returns false.
	SetLastRun(ctx context.Context, task string, before, at time.Time) (done bool, err error)
}

// Schedule determines when a task is due.
type Schedule interface {
	// Next returns the first time after another at which the schedule is due; the zero time if there is none.
	Next(after time.Time) time.Time
	// Latest returns the last time in (after, until] at which the schedule is due; the zero time if there is none.
	Latest(after, until time.Time) time.Time
	// Calendar reports whether the schedule follows the calendar. If it does, a clock that is set back a little does not
	// make it due again.
	Calendar() bool
}
