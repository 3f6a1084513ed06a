package testkit

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
)

// Answer is the answer that a client receives for an action.
type Answer struct {
	JSON  string // the whole JSON object; "" from a task
	Error string // "" if the action succeeded
}

// answerOf parses text, an answer in JSON. After success, the member "error" is "OK" over HTTP and false over other
// transports.
func answerOf(t testing.TB, text string) Answer {
	t.Helper()
	var object struct{ Error any }
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	failure, _ := object.Error.(string)
	return Answer{text, strings.TrimSuffix(failure, "OK")}
}

// Client is a client of any transport. Its method Do runs an action and returns the answer.
type Client interface {
	Do(action string, params map[string]string) Answer
}

// Transports maps the name of each transport to a function that connects a client to s. A new transport needs an entry
// here.
var Transports = map[string]func(t testing.TB, s *Server) Client{
	"http":      func(t testing.TB, s *Server) Client { return s.HTTP(t) },
	"tcp":       func(t testing.TB, s *Server) Client { return s.TCP(t) },
	"websocket": func(t testing.TB, s *Server) Client { return s.WS(t) },
	"socketio":  func(t testing.TB, s *Server) Client { return s.SIO(t) },
	"worker":    func(t testing.TB, s *Server) Client { return tasks{t, s} },
}

// tasks is a Client without a transport. Its method Do runs the task that has the name of the action, and returns the
// stored error of the job.
type tasks struct {
	t testing.TB
	s *Server
}

func (c tasks) Do(action string, params map[string]string) Answer {
	c.t.Helper()
	var raw []byte
	if params != nil {
		var err error
		if raw, err = json.Marshal(params); err != nil {
			c.t.Fatal(err)
		}
	}
	// The queue is called directly, because Tasks.Enqueue would refuse a wrong input before the worker can.
	added, err := c.s.API.Config().Backend.Queue().Enqueue(c.t.Context(), backend.NewJob{Task: action, Params: raw, MaxAttempts: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	var failure string
	Eventually(c.t, "the task "+action+" has ended", func() bool {
		job, err := c.s.Tasks.Get(c.t.Context(), added[0].ID)
		if err != nil {
			c.t.Fatal(err)
		}
		failure, _, _ = strings.Cut(job.Error, "\n")
		return job.State.Finished()
	})
	return Answer{"", failure}
}
