//go:build unix

package redistest

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	configFile = "server.conf"
	logFile    = "server.log"
	// startLimit is the maximum time in which a server starts or a failover is complete, long enough for a busy machine.
	// Sentinels need up to 18 s until the old master follows the new one.
	startLimit = time.Minute
	// The bus of a Cluster listens at the port of the server plus busOffset.
	firstPort, lastPort, busOffset = 11_000, 20_000, 10_000
)

// guard is the shell script that runs a server. The test process holds the other end of the file descriptor 3. When the
// test process dies, the script reads the end of the file, removes the folder and kills the server, in this order: the
// end of the server ends the whole script.
const guard = `
dir=$1; shift
"$@" >>"$dir/` + logFile + `" 2>&1 </dev/null 3<&- & pid=$!
(read -r _ <&3; rm -rf "$dir"; kill -9 $pid) >/dev/null 2>&1 & watcher=$!
exec 3<&-
echo $pid
exec >/dev/null
wait $pid
kill -9 $watcher
wait
`

// Server is a process of Redis, Valkey or Sentinel. Its methods may be called by one goroutine at a time.
type Server struct {
	Addr string // host and port
	Port int
	Dir  string // the folder of the server
	Unix string // the path of its Unix socket, if Options.Unix is set
	PID  int    // 0: it does not run

	flavor   Flavor
	password string
	tls      bool
	sentinel bool
	cmd      *exec.Cmd
	hold     *os.File // the end of the file that the guard reads
}

// Start starts a server that ends with the test.
func (f Flavor) Start(t testing.TB, o Options) *Server {
	t.Helper()
	f.need(t)
	lines := o.lines(t)
	s, err := f.launch(t, lines, o.Password, func(s *Server) []string {
		var extra []string
		if o.Cert != "" {
			s.tls = true
			extra = append(extra, "port 0", fmt.Sprint("tls-port ", s.Port), "tls-cert-file "+o.Cert, "tls-key-file "+o.Key, "tls-ca-cert-file "+o.Cert, "tls-auth-clients no")
		}
		if o.Unix {
			s.Unix = filepath.Join(s.Dir, "socket")
			extra = append(extra, "unixsocket "+s.Unix)
		}
		return extra
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t) })
	return s
}

// launch starts a server at a free port. If another program takes the port first, launch tries another one. The
// functions of extra return further lines of the configuration, after the port and the folder are known.
func (f Flavor) launch(t testing.TB, lines []string, password string, extra ...func(*Server) []string) (*Server, error) {
	t.Helper()
	var err error
	for range 5 {
		// The name is short, because the path of a Unix socket has at most 107 bytes.
		dir, mkErr := os.MkdirTemp("", "redis-")
		if mkErr != nil {
			return nil, mkErr
		}
		s := &Server{Dir: dir, Port: freePort(t), flavor: f, password: password}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
		all := append([]string{fmt.Sprint("port ", s.Port), "dir " + dir}, lines...)
		for _, more := range extra {
			all = append(all, more(s)...)
		}
		s.writeConfig(t, all)
		if err = s.run(); err == nil {
			return s, nil
		}
		s.end(t)
	}
	return nil, err
}

// freePort returns a port that is free together with the port of its bus. Both are below the range from which the
// system chooses ports for clients, so that a server can start again at the same port.
func freePort(t testing.TB) int {
	t.Helper()
	for range 200 {
		port := firstPort + rand.N(lastPort-firstPort)
		if isFree(port) && isFree(port+busOffset) {
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

func isFree(port int) bool {
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	return err == nil && ln.Close() == nil
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	args := []string{"-c", guard, "guard", s.Dir, s.flavor.program, filepath.Join(s.Dir, configFile)}
	if s.sentinel {
		args = append(args, "--sentinel")
	}
	s.cmd, s.hold = exec.Command("sh", args...), write
	s.cmd.ExtraFiles = []*os.File{read}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the guard of %s did not start it: %w", s.flavor.program, err)
	}
	if s.PID, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		return err
	}
	return s.waitReady()
}

func (s *Server) waitReady() error {
	for deadline := time.Now().Add(startLimit); ; time.Sleep(5 * time.Millisecond) {
		if syscall.Kill(s.PID, 0) != nil {
			return fmt.Errorf("%s ended at once:\n%s", s.flavor.program, s.Log())
		}
		if s.answers() {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer after %v:\n%s", s.flavor.program, startLimit, s.Log())
		}
	}
}

// answers reports whether the server accepts connections and has loaded its data.
func (s *Server) answers() bool {
	if s.tls {
		conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
		return err == nil && conn.Close() == nil
	}
	reply, err := s.TryDo("PING")
	return err == nil && reply == "PONG" || err != nil && strings.HasPrefix(err.Error(), "NOAUTH")
}

// Log returns the text that the server has logged.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.Dir, logFile))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Pause stops the process with SIGSTOP: its connections stay open, and no command is answered.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGCONT) }

// Stop ends the process with SIGTERM, so that an append-only file is complete, and waits for its end.
func (s *Server) Stop(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGTERM); s.wait() }

// Kill ends the process with SIGKILL and waits for its end.
func (s *Server) Kill(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGKILL); s.wait() }

// Restart starts the server again, at the same port and in the same folder. If the process runs, Restart stops it first.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if s.PID != 0 {
		s.Stop(t)
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if s.PID == 0 {
		t.Fatalf("the server at %s does not run", s.Addr)
	}
	if err := syscall.Kill(s.PID, signal); err != nil {
		t.Fatalf("%v of process %d: %v", signal, s.PID, err)
	}
}

// wait waits until the process has ended.
func (s *Server) wait() {
	_ = s.cmd.Wait() // the exit code of the guard says nothing
	_ = s.hold.Close()
	s.PID = 0
}

// end kills the process, if it runs, and removes the folder.
func (s *Server) end(t testing.TB) {
	t.Helper()
	if s.PID != 0 {
		_ = syscall.Kill(s.PID, syscall.SIGKILL)
		s.wait()
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		t.Error(err)
	}
}
