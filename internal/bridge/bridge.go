// Package bridge lets the packages transport and worker call functions that package actionhero does not export.
//
// Package actionhero sets the variables below when it is initialised. Package bridge cannot import package actionhero,
// which imports package bridge. Therefore values of actionhero's types have the type any here. The values are pointers,
// so the conversion to any allocates nothing. Only two packages may import this package: package transport, which
// restores the types, and package worker. arch_test.go checks this rule.
package bridge

import (
	"context"
	"io/fs"
	"net/netip"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Package actionhero sets these functions when it is initialised. Each comment names the actual type of the arguments
// or results that have the type any.
var (
	HostOf    func(api any) Host                                                // api is an *actionhero.API
	ParamsOf  func(params any) Params                                           // params is an *actionhero.Params
	MessageOf func(message any) *Message                                        // message is an *actionhero.RoomMessage
	WorkerOf  func(api any) Worker                                              // api is an *actionhero.API
	DetailsOf func(dst []byte, conn any) (object []byte, ok bool)               // conn is an *actionhero.Conn; see transport.AppendDetails
	AppendOut func(dst []byte, req, out any, reserved []string) ([]byte, error) // req is an *actionhero.Request; see transport.AppendOutput
	AppendErr func(dst []byte, err any) []byte                                  // err is an *actionhero.Error; see transport.AppendError
	Part      func(value any) any                                               // returns an actionhero.Part; see transport.Part
	OwnPart   func(part any) any                                                // takes and returns an actionhero.Part; see transport.OwnPart
	Checksum  func(content any) (sum uint32, ok bool)                           // content is an *actionhero.Content; see transport.Checksum
	IsStatic  func(content any) bool                                            // content is an *actionhero.Content; see transport.IsStatic
)

// Host has the methods of an API that only transports call. Package transport documents each method.
type Host interface {
	InitRequest(req any, transport string)
	Dispatch(ctx context.Context, req any) (any, error)
	ActionName(name []byte) string
	Action(name string) any         // an *actionhero.ActionInfo, or nil
	DescribeAction(name string) any // the same, with its schemas
	ActionNames() []string
	StatFile(name string) (info fs.FileInfo, ok bool)
	Admit(remoteIP string) (remaining int, err any) // err is an *actionhero.Error, or nil
	Guarded() bool
	Authorize(ctx context.Context, req, rule any) error // req is an *actionhero.Request, rule an *actionhero.Access
	CheckRule(rule any) error                           // rule is an *actionhero.Access
	Cancel(req any)
	BeginStream(ctx context.Context, req any, end func()) (over func(), err error)
	Requested(req any) any // an *actionhero.ActionInfo, or nil
	CheckAction(req any) error
	AskedVersion(req any) (version int, err error)
	HasVersions() bool
	ReturnsContent(req any) bool
	ReturnsNothing(req any) bool
	Accepts(key string) bool
	Connect(transport string, remote netip.AddrPort, sender any) any
	MeetsConns() bool
	Accept(ctx context.Context, conn, handshake any) (err any) // handshake is an *actionhero.Handshake; err is an *actionhero.Error, or nil
	Connected(ctx context.Context, conn any)
	Closing(conn any, reason string)
	Disconnected(conn any)
	Enter(ctx context.Context, conn any, room string, welcome func(room string)) error
	Disconnect(conn any)
	HearItself(conn any)
	SendBudget() any      // a *sendqueue.Budget
	IncomingBudget() any  // a *bytebudget.Budget
	AbandonedBudget() any // a *bytebudget.Budget
	Listening(port int)
	Global(name string, local func() int64) (global func(ctx context.Context) int64)
	AddOutermost(component any)
	Extensions() []any
	Tag() uint32
	NodesWithTag(ctx context.Context, tag uint32) (ids []string, err error)
	CallNode(ctx context.Context, node, name string, body []byte) (answer []byte, err error)
	HandleCalls(name string, handle func(ctx context.Context, from string, body []byte) (answer []byte, err error)) (ok bool)
}

// Params has the methods that write an actionhero.Params. Package transport documents each method.
type Params interface {
	AcceptAll()
	Add(key, text string) error
	AddJSON(key string, raw []byte) error
	AddFile(key string, file any) error
	AddObject(object []byte) error
	AddInput(input any) error
	AddParams(other any) error
	NextSource()
	SetPage(api any)
	AppendJSON(dst []byte, api any, most int) []byte
	AppendParam(dst []byte, api any, key string) []byte
}

// Message is the part of an actionhero.RoomMessage for transports: two flags that decide how clients read the message,
// and the encoded forms of the message.
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

// Find returns the encoded form of the message for one protocol. wire identifies the protocol. If there is no encoded
// form, Find returns nil. The caller must hold the lock of m.
func (m *Message) Find(wire any) []byte {
	for _, e := range m.encoded {
		if e.wire == wire {
			return e.bytes
		}
	}
	return nil
}

// positionKey is the key of the position among the encoded forms of a message. Most messages have none, so it is no field.
type positionKey struct{}

// KeepPosition stores the members of a JSON object that say the position of the message, for the clients that ask for it.
// It is called before the message is delivered.
func (m *Message) KeepPosition(members []byte) { m.Keep(positionKey{}, members) }

// Position returns what KeepPosition has stored, or nil. The caller must hold the lock of m.
func (m *Message) Position() []byte { return m.Find(positionKey{}) }

// Keep stores bytes as the encoded form of the message for one protocol. wire identifies the protocol. The caller must
// hold the lock of m.
func (m *Message) Keep(wire any, bytes []byte) { m.encoded = append(m.encoded, encoding{wire, bytes}) }

// Worker has the methods of an API that only package worker calls.
type Worker interface {
	// RegisterNode declares that a worker in this process runs the jobs of node. Until the caller calls release, an
	// enqueue of a task of actionhero.ScopeAllNodes stores a job for that node. Several workers can register the same
	// node; first reports whether the caller's registration is the oldest of that node.
	RegisterNode(node string) (first func() bool, release func())
	// DeclareNode declares that a worker of this process will run the jobs of node, or of the API's own node if node is
	// "". In a cluster, an enqueue of a task of actionhero.ScopeAllNodes on any node stores a job for it, from the next
	// start of the API on.
	DeclareNode(node string)
	// RunJob runs a fetched job and sets *outcome to the outcome of the job, also if the task ends its goroutine with
	// runtime.Goexit. The context of the task ends with ctx and at the task's timeout. limit is the timeout of a task
	// that declares none; 0 means no timeout. A stop of the API does not end that context, because the worker ends it.
	RunJob(ctx context.Context, job *backend.Job, limit time.Duration, outcome *backend.Outcome)
	// TaskNames returns the names of the registered tasks, sorted. The caller must not modify the list.
	TaskNames() []string
	// Exclusive reports whether the task with this name has Task.Exclusive.
	Exclusive(task string) bool
	// Schedule returns the schedule of the task with this name, or nil if the task has none.
	Schedule(task string) Schedule
	// EnqueueScheduled enqueues a task because its schedule was due at the time at. If several nodes call
	// EnqueueScheduled for that time, one of them enqueues the task and the others get won = false. If the previous
	// scheduled job of the task has not ended, nothing is enqueued.
	EnqueueScheduled(ctx context.Context, task string, at time.Time) (won bool, err error)
	// LastRuns returns the last due times of the scheduled tasks in the whole cluster, by the names of the tasks. Tasks
	// that were never due are left out.
	LastRuns(ctx context.Context) (map[string]time.Time, error)
	// SetLastRun compares the stored last due time of a task with the argument before. If they are equal, SetLastRun
	// stores the argument at as the last due time and returns true. Otherwise SetLastRun changes nothing and returns
	// false. A zero before means that the task was never due. SetLastRun does not enqueue the task. It is used when a
	// schedule is first seen, and when a clock was set back.
	SetLastRun(ctx context.Context, task string, before, at time.Time) (done bool, err error)
}

// Schedule computes the times at which a task is due.
type Schedule interface {
	// Next returns the first due time of the schedule that is later than the argument after, or the zero time if there
	// is none.
	Next(after time.Time) time.Time
	// Latest returns the last due time of the schedule in the interval (after, until], or the zero time if there is
	// none.
	Latest(after, until time.Time) time.Time
	// Calendar reports whether the schedule follows the calendar instead of elapsed time. The caller needs this when a
	// clock is set back a little, because a calendar schedule must then not become due again.
	Calendar() bool
}
