package backendtest_test

import (
	"testing"
	"testing/synctest"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/backendtest"
	"github.com/actionhero-go/actionhero/backend/local"
)

// The test of a backend: it calls Run, with a function that returns a new backend.
func ExampleRun() {
	testBackend := func(t *testing.T) { // func TestBackend
		backendtest.Run(t, backendtest.Harness{
			New:    func(*testing.T) backend.Backend { return local.New(local.Config{}) },
			Bubble: synctest.Test,
		})
	}
	_ = testBackend
}
