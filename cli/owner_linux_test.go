package cli

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/server"
)

// A process may have passed its port to the server, as "dev" and the supervisor of nodes do. Then the port is in use by the
// server, whichever of the two the system lists first.
func TestDoctorKnowsAServerWhosePortIsShared(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	shared, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "cat")
	child.ExtraFiles = []*os.File{shared}
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _, _ = in.Close(), shared.Close(), child.Wait()
	})
	port := ln.Addr().(*net.TCPAddr).Port
	for _, pid := range []int{os.Getpid(), child.Process.Pid} {
		if !slices.ContainsFunc(ownersOf(port), func(o owner) bool { return o.pid == pid && o.name != "" }) {
			t.Errorf("process %d is missing in %v", pid, ownersOf(port))
		}
		d := &doctor{running: &control.Node{PID: pid}}
		d.port(server.Port{Setting: "httpServer.port", IP: "127.0.0.1", Port: port})
		if len(d.findings) != 1 || d.findings[0].State != stateOK {
			t.Errorf("with the server %d, the finding is %+v", pid, d.findings)
		}
	}
	d := &doctor{running: &control.Node{PID: 1}}
	if d.port(server.Port{Setting: "httpServer.port", IP: "127.0.0.1", Port: port}); d.findings[0].State != stateFail {
		t.Errorf("with another server, the finding is %+v", d.findings)
	}
}
