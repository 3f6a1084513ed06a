//go:build unix

package redistest_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// onEach runs the test once for each flavor.
func onEach(t *testing.T, test func(t *testing.T, f redistest.Flavor)) {
	t.Parallel()
	for _, f := range redistest.Flavors() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

func TestAServerKeepsItsDataThroughKillIfItHasAnAppendOnlyFile(t *testing.T) {
	onEach(t, func(t *testing.T, f redistest.Flavor) {
		for _, appendOnly := range []string{"always", ""} {
			s := f.Start(t, redistest.Options{AppendOnly: appendOnly})
			s.Do(t, "SET", "key", "value")
			addr := s.Addr
			s.Kill(t)
			if _, err := s.TryDo("PING"); err == nil {
				t.Error("a killed server answers")
			}
			s.Restart(t)
			got := s.Do(t, "GET", "key")
			if kept := got == "value"; kept != (appendOnly != "") || s.Addr != addr {
				t.Errorf("after a kill with appendonly %q: GET = %v at %s, before at %s", appendOnly, got, s.Addr, addr)
			}
		}
	})
}

func TestAPausedServerKeepsConnectionsOpenAndAnswersNothing(t *testing.T) {
	onEach(t, func(t *testing.T, f redistest.Flavor) {
		s := f.Start(t, redistest.Options{})
		s.Pause(t)
		conn, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("PING\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %d, %v from a paused server, want no data", n, err)
		}
		s.Resume(t)
		_ = conn.SetReadDeadline(time.Now().Add(testkit.Wait))
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "+PONG\r\n" {
			t.Errorf("a resumed server answers %q, %v", line, err)
		}
	})
}

func TestOptionsOfServers(t *testing.T) {
	onEach(t, func(t *testing.T, f redistest.Flavor) {
		cert, key, client := testkit.Certificate(t)
		s := f.Start(t, redistest.Options{
			Password: "pass word", Users: []string{"anna on >secret ~* &* +@all"}, MaxMemory: "64mb", Policy: "allkeys-lru", Unix: true, Lines: []string{"databases 3"},
		})
		if got := s.Info(t, "maxmemory_policy"); got != "allkeys-lru" || s.Info(t, "maxmemory") != fmt.Sprint(64<<20) {
			t.Errorf("maxmemory-policy = %q", got)
		}
		if users := fmt.Sprint(s.Do(t, "ACL", "USERS")); users != "[anna default]" {
			t.Errorf("ACL USERS = %v", users)
		}
		conn, err := net.Dial("unix", s.Unix)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		secure := f.Start(t, redistest.Options{Cert: cert, Key: key})
		encrypted, err := tls.Dial("tcp", secure.Addr, client)
		if err != nil {
			t.Fatal(err)
		}
		defer encrypted.Close()
		if _, err := encrypted.Write([]byte("PING\r\n")); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(encrypted).ReadString('\n'); line != "+PONG\r\n" {
			t.Errorf("a server with TLS answers %q, %v", line, err)
		}
	})
}

func TestSlotsMoveKeyByKeyAndWhole(t *testing.T) {
	onEach(t, func(t *testing.T, f redistest.Flavor) {
		c := f.StartCluster(t, 3, redistest.Options{})
		slot := redistest.Slot("a{tag}b")
		if want := fmt.Sprint(c.Masters[0].Do(t, "CLUSTER", "KEYSLOT", "a{tag}b")); want != fmt.Sprint(slot) {
			t.Fatalf("Slot = %d, want %s", slot, want)
		}
		from := c.Owner(t, slot)
		to := (from + 1) % 3
		for i := range 3 {
			c.Masters[from].Do(t, "SET", fmt.Sprint("{tag}", i), i)
		}
		move := c.BeginMove(t, slot, to)
		if n := move.Step(t, 2); n != 2 {
			t.Errorf("Step moved %d keys, want 2", n)
		}
		if n := c.Masters[to].Do(t, "DBSIZE"); n != int64(2) {
			t.Errorf("the new owner has %v keys in the middle of the move, want 2", n)
		}
		if _, err := c.Masters[from].TryDo("GET", "{tag}none"); err == nil || !strings.HasPrefix(err.Error(), "ASK ") {
			t.Errorf("GET of a moved key = %v, want ASK", err)
		}
		move.End(t)
		if got := c.Masters[to].Do(t, "GET", "{tag}2"); got != "2" || c.Owner(t, slot) != to {
			t.Errorf("after the move GET = %v, and the owner is %d, want %d", got, c.Owner(t, slot), to)
		}
		c.MoveSlot(t, slot, from)
		if got := c.Masters[from].Do(t, "DBSIZE"); got != int64(3) {
			t.Errorf("after the move back the old owner has %v keys", got)
		}
		c.WaitReady(t)
	})
}

func TestSentinelsReplaceTheirMaster(t *testing.T) {
	onEach(t, func(t *testing.T, f redistest.Flavor) {
		set := f.StartSentinels(t, redistest.Options{})
		if m := set.Master(); m != 0 {
			t.Fatalf("the first master is %d, want 0", m)
		}
		set.WaitMaster(t, 0)
		set.Servers[0].Do(t, "SET", "key", "value")
		master := set.Failover(t)
		if master != 1 {
			t.Fatalf("after a failover the master is %d", master)
		}
		if !testkit.Within(30*time.Second, func() bool { got, _ := set.Servers[1].TryDo("GET", "key"); return got == "value" }) {
			t.Error("the new master does not have the key")
		}
		set.Isolate(1)
		set.WaitMaster(t, 0)
		if !testkit.Within(30*time.Second, func() bool { _, err := set.Servers[1].TryDo("SET", "key", "lost"); return err == nil }) {
			t.Error("an isolated master refuses a write")
		}
		set.Rejoin(1)
		// Sentinels wait 8 s before they change a server that reports to be a master. On a busy machine they may replace
		// the master once more in this time.
		if !testkit.Within(2*time.Minute, func() bool {
			master = set.Master()
			return master >= 0 && set.Servers[1-master].Info(t, "master_link_status") == "up"
		}) {
			t.Fatal("no server became the replica of the other one")
		}
		set.Servers[master].Kill(t)
		set.WaitMaster(t, 1-master)
	})
}

func TestASharedServerIsKilledWhenTheTestProcessDies(t *testing.T) {
	if os.Getenv("REDISTEST_DIES") != "" {
		s := redistest.Redis.Shared(t)
		fmt.Printf("started %d %s\n", s.PID, s.Dir)
		select {} // until the process is killed
	}
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "REDISTEST_DIES=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var pid int
		var dir string
		if _, err := fmt.Fscanf(out, "started %d %s\n", &pid, &dir); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); err != nil {
			t.Fatalf("the server does not run: %v", err)
		}
		_ = cmd.Process.Signal(signal)
		_ = cmd.Wait()
		testkit.Eventually(t, "the server of a dead test has ended", func() bool { return syscall.Kill(pid, 0) != nil })
		testkit.Eventually(t, "its folder is removed", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
	}
}
