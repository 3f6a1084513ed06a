// Package control implements the control socket, a Unix socket that only the user of the server can open. Over this
// socket, the command line of an app sends HTTP requests to a running server: to manage its tasks, and to run its actions.
//
// The server calls [Listen], the command line calls [Call]. Requests and answers are JSON. An answer with a status of
// 400 or more is {"error":{"code":…,"message":…}}. Package server defines the routes. curl can send requests:
//
//	curl --unix-socket data/control.sock http://localhost/jobs/7
//	curl --unix-socket data/control.sock -d '{"task":"sayHello"}' http://localhost/jobs
package control

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// The limits of a request to the control socket and of its answer.
const (
	MaxRequestBytes = 2 << 20
	MaxAnswerBytes  = 64 << 20
	MaxJobs         = 1000             // jobs in one list
	maxRequests     = 16               // concurrent requests; further requests wait
	maxTime         = 30 * time.Second // of a request
	answerTime      = 5 * time.Second  // to write the answer after maxTime
)

// Path returns the path of the control socket of a server that stores its tasks in folder.
func Path(folder string) string { return filepath.Join(folder, "control.sock") }

// Job is a job in the form in which the control socket sends jobs.
type Job struct {
	backend.Job
	Params json.RawMessage `json:"params"` // with the values of secret params filtered
}

// NewJob is the body of a request that enqueues a task.
type NewJob struct {
	Task        string          `json:"task"`
	Params      json.RawMessage `json:"params,omitempty"`
	At          time.Time       `json:"at,omitzero"`
	After       time.Duration   `json:"after,omitempty"`
	Queue       string          `json:"queue,omitempty"`
	Priority    *int8           `json:"priority,omitempty"` // nil: the priority of the task
	MaxAttempts int             `json:"maxAttempts,omitempty"`
}

// Enqueued is the answer to a request whose body is a [NewJob].
type Enqueued struct {
	ID       uint64 `json:"id"`
	Existing bool   `json:"existing"` // the task is unique and already had this job; no job was added
}

// Node is the answer to GET /node: the server that answers.
type Node struct {
	ID        string     `json:"id"`
	PID       int        `json:"pid"`
	Version   string     `json:"version"`
	Uptime    float64    `json:"uptimeSeconds"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is an address at which the server listens.
type Endpoint struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	Port int    `json:"port"`
}

// Listens reports whether the server listens on a port.
func (n *Node) Listens(port int) bool {
	return slices.ContainsFunc(n.Endpoints, func(e Endpoint) bool { return e.Port == port })
}

// Error is an error that the server sends as the answer to a request.
type Error struct {
	Code    string          `json:"code,omitempty"` // the name of an actionhero.Code
	Message string          `json:"message"`
	Details json.RawMessage `json:"details,omitempty"` // a list of actionhero.Detail
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// errorAnswer is the JSON body of an answer with a status of 400 or more.
type errorAnswer struct {
	Error *Error `json:"error"`
}

// maxAddress is the length of the longest socket address that all systems allow, in bytes.
const maxAddress = 100

// addressOf returns a socket address for path that has at most maxAddress bytes. If path is longer, addressOf opens the
// folder of the socket and uses the file descriptor in the address. The caller must call release when the address is no
// longer needed. If the system allows no shorter address, addressOf returns an error.
func addressOf(path string) (address string, release func(), err error) {
	if len(path) <= maxAddress {
		return path, func() {}, nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	address = filepath.Join(fmt.Sprintf("/proc/self/fd/%d", folder.Fd()), filepath.Base(path))
	if _, err := os.Stat(filepath.Dir(address)); err != nil || len(address) > maxAddress {
		_ = folder.Close()
		return "", nil, fmt.Errorf("the path of the socket %s has %d bytes, and this system allows %d: choose a shorter folder", path, len(path), maxAddress)
	}
	return address, func() { _ = folder.Close() }, nil
}
