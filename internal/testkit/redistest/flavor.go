//go:build unix

package redistest

import (
	"crypto/rand"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Flavor is a program that speaks the protocol of Redis.
type Flavor struct {
	Name     string // for the names of subtests
	program  string
	required bool // on Linux, a test fails if the program is missing
	shared   *sharedServer
}

// The flavors that the tests use.
var (
	Redis  = Flavor{Name: "redis", program: "redis-server", required: true, shared: new(sharedServer)}
	Valkey = Flavor{Name: "valkey", program: "valkey-server", shared: new(sharedServer)}
)

// Flavors has all flavors.
func Flavors() []Flavor { return []Flavor{Redis, Valkey} }

// need fails or skips the test if the program of the flavor is not installed.
func (f Flavor) need(t testing.TB) {
	t.Helper()
	_, err := exec.LookPath(f.program)
	switch {
	case err == nil:
	case runtime.GOOS == "linux" && (f.required || os.Getenv("CI") != ""):
		t.Fatalf("there is no %s on the PATH: run `make needs`", f.program)
	default:
		t.Skipf("NOT TESTED AGAINST %s: there is no %s on the PATH; run `make needs`, or install it", strings.ToUpper(f.Name), f.program)
	}
}

// Prefix returns a random prefix for the keys of one test on a shared server.
func Prefix() string { return "test-" + strings.ToLower(rand.Text()[:12]) }

// sharedServer is the server that the tests of one process share.
type sharedServer struct {
	start  sync.Once
	server *Server
}

// Shared returns the server that all tests of the process share. It is killed when the process ends. A test must not
// stop or pause it, nor change its settings.
func (f Flavor) Shared(t testing.TB) *Server {
	t.Helper()
	f.need(t)
	f.shared.start.Do(func() { f.shared.server, _ = f.launch(t, Options{}.lines(t), "") })
	if f.shared.server == nil {
		t.Fatal("the shared server did not start: see the first test that failed")
	}
	return f.shared.server
}
