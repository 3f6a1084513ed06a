package backend_test

import (
	"fmt"

	"github.com/actionhero-go/actionhero/backend"
)

// The state of a job has a name, which the command line and JSON use.
func ExampleParseState() {
	state, err := backend.ParseState("cancelled")
	fmt.Println(state == backend.Cancelled, state.Finished(), err)

	_, err = backend.ParseState("lost")
	fmt.Println(err)
	// Output:
	// true true <nil>
	// "lost" is no state of a job: use one of scheduled, available, running, retryable, completed, cancelled, dead
}

// A job for one node is in a queue that only this node fetches from.
func ExampleNodeQueue() {
	fmt.Println(backend.NodeQueue("192.0.2.2:8080:5000"))
	// Output: node:192.0.2.2:8080:5000
}
