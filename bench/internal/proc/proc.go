// Package proc starts servers as separate processes on processor 0, and reads their processor time and memory.
//
// Begin with [Start].
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Server is a running server process.
type Server struct {
	Name string
	Addr string
	dir  string
	cmd  *exec.Cmd
	out  beginning
}

// beginning keeps the first bytes of an output and reads the rest: a server that logs each request writes gigabytes.
type beginning struct{ text bytes.Buffer }

func (b *beginning) Write(p []byte) (int, error) {
	_, _ = b.text.Write(p[:min(len(p), max(0, 64<<10-b.text.Len()))])
	return len(p), nil
}

func (b *beginning) String() string { return b.text.String() }

// Build builds the command pkg of a checkout of this repository to the file out. The checkout ".." is this one, because the
// programs run in bench/.
func Build(ctx context.Context, checkout, pkg, out string) error {
	if text, err := exec.CommandContext(ctx, "go", "build", "-C", checkout, "-o", out, pkg).CombinedOutput(); err != nil {
		return fmt.Errorf("building %s of %s: %w: %s", pkg, checkout, err, text)
	}
	return nil
}

// BaseSuffix ends the name of a server that is built from the checkout of the flag -base.
const BaseSuffix = ", base"

// FreeAddr returns an address of the loopback interface with a port that is free now.
func FreeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// Start starts a server on processor 0 with GOMAXPROCS=1, in a new folder, and waits up to 10 s until it accepts connections
// at addr. The server stops when ctx ends.
func Start(ctx context.Context, name, addr string, env []string, command ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	s := &Server{Name: name, Addr: addr, dir: dir}
	s.cmd = exec.CommandContext(ctx, "taskset", append([]string{"-c", "0"}, command...)...)
	s.cmd.Env = append(append(os.Environ(), "GOMAXPROCS=1"), env...)
	s.cmd.Dir = dir
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	s.cmd.WaitDelay = 2 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return s, conn.Close()
		}
	}
	return nil, errors.Join(fmt.Errorf("%s does not listen on %s: %s", name, addr, s.out.String()), s.Stop())
}

// Stop kills the server and deletes its folder.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // the error only says that it was killed
	return os.RemoveAll(s.dir)
}

// FamilyCPU returns the processor time that the server and its child processes have used, also those that have ended.
func (s *Server) FamilyCPU() (time.Duration, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		used, parent, ended, err := parseFamily(string(stat))
		if err != nil {
			return 0, err
		}
		switch pid := filepath.Base(filepath.Dir(path)); {
		case pid == strconv.Itoa(s.cmd.Process.Pid):
			sum += used + ended
		case parent == s.cmd.Process.Pid:
			sum += used
		}
	}
	return sum, nil
}

// parseFamily returns of a /proc/PID/stat line: the processor time of the process, its parent, and the processor time of
// its children that have ended.
func parseFamily(stat string) (used time.Duration, parent int, ended time.Duration, err error) {
	if used, err = ParseStat(stat); err != nil {
		return 0, 0, 0, err
	}
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 15 {
		return 0, 0, 0, fmt.Errorf("malformed stat line %q", stat)
	}
	parent, err1 := strconv.Atoi(fields[1])
	user, err2 := strconv.ParseInt(fields[13], 10, 64)
	system, err3 := strconv.ParseInt(fields[14], 10, 64)
	return used, parent, time.Duration(user+system) * time.Second / ticks, errors.Join(err1, err2, err3)
}

// ticks is the number of the kernel's clock ticks in a second (USER_HZ, 100 on every Linux).
const ticks = 100

// CPU returns the processor time that the server has used, in user and kernel mode.
func (s *Server) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	return ParseStat(string(stat))
}

// ParseStat returns the sum of utime and stime of a /proc/PID/stat line (proc(5)).
func ParseStat(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:]) // the name before it may contain spaces and parentheses
	if len(fields) < 13 {
		return 0, fmt.Errorf("malformed stat line %q", stat)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, errors.Join(err1, err2)
}

// RSS returns the resident memory of the server in bytes.
func (s *Server) RSS() (int64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0, fmt.Errorf("malformed statm line %q", statm)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
