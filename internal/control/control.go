// Package control is the control socket: the command line of an app manages the tasks of a running server with HTTP over
// a Unix socket, which only the user of the server can open.
//
// [Listen] is the side of the server, [Call] the side of the command line. Requests and answers are JSON; an answer with
// a status of 400 or more is {"error":{"code":…,"message":…}}. Package server has the routes. curl can send requests:
//
//	curl --unix-socket data/control.sock http://localhost/jobs/7
//	curl --unix-socket data/control.sock -d '{"task":"sayHello"}' http://localhost/jobs
package control

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// The limits of a request and its answer.
const (
	MaxRequestBytes = 2 << 20
	MaxAnswerBytes  = 64 << 20
	MaxJobs         = 1000 // in one list
	maxRequests     = 16   // at a time; more wait
	maxTime         = 30 * time.Second
)

// Path returns the path of the control socket of a server that keeps its tasks in folder.
func Path(folder string) string { return filepath.Join(folder, "control.sock") }

// Job is a job as an answer has it.
type Job struct {
	backend.Job
	Params json.RawMessage `json:"params"` // secrets filtered
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

// Enqueued is the answer to a [NewJob].
type Enqueued struct {
	ID       uint64 `json:"id"`
	Existing bool   `json:"existing"` // the task is unique, and has this job already
}

// Error is an error that the server answers.
type Error struct {
	Code    string `json:"code,omitempty"` // see actionhero.Code
	Message string `json:"message"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// errorAnswer is the body of an answer with a status of 400 or more.
type errorAnswer struct {
	Error *Error `json:"error"`
}

// maxAddress is the length in bytes that all systems allow for the address of a socket.
const maxAddress = 100

// addressOf returns an address for path that is short enough for a socket. The address is valid until release.
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
