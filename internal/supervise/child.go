//go:build unix

package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// ChildConfig describes a process that [StartChild] executes.
type ChildConfig struct {
	Number         int    // of the node
	Alone          bool   // see [Node.Alone]
	Program        string // the path
	Dir            string // the working directory; default: the one of this process
	Args, Env      []string
	Stdout, Stderr io.Writer
	Sockets        *Sockets

	// The functions are called in goroutines of the child, one after another; Ended is the last one.
	Prepared func()            // the child waits for [Child.Proceed]; it may be nil
	Ready    func(r Readiness) // the child serves
	Ended    func()            // its process has ended
}

// Child is a process that knows its parent: it asks the parent for sockets, and says when it serves. See [Node] for the
// other end.
type Child struct {
	cmd    *exec.Cmd
	link   *link
	killed string // why the parent has killed it; empty: it has not

	sending sync.Mutex
}

// drainTime is how long the parent reads the output of a process that has ended. A program that the process has
// executed may keep the pipe open.
const drainTime = time.Second

// StartChild starts a process.
func StartChild(cfg ChildConfig) (*Child, error) {
	link, end, err := newLinks()
	if err != nil {
		return nil, err
	}
	defer end.Close()
	cmd := exec.Command(cfg.Program, cfg.Args...)
	mark := fmt.Sprintf("%s=%d:%d", variable, cfg.Number, os.Getpid())
	if cfg.Alone {
		mark += aloneMark
	}
	cmd.Env = append(cfg.Env[:len(cfg.Env):len(cfg.Env)], mark)
	cmd.Dir = cfg.Dir
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles, cmd.WaitDelay = cfg.Stdout, cfg.Stderr, []*os.File{end}, drainTime
	// In a process group of its own, a node does not receive the signals of the terminal: the parent passes them on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, link.Close())
	}
	c := &Child{cmd: cmd, link: link}
	var reading sync.WaitGroup
	reading.Go(func() { c.read(cfg) })
	go func() {
		_ = cmd.Wait() // the state of the process has the error
		_ = link.Close()
		reading.Wait()
		cfg.Sockets.forget(c)
		cfg.Ended()
	}()
	return c, nil
}

// read receives the messages of c until its process ends.
func (c *Child) read(cfg ChildConfig) {
	for {
		m, err := c.link.receive()
		switch {
		case err != nil:
			return
		case m.Listen != nil:
			err = cfg.Sockets.give(c, m.Listen)
		case m.Prepared && cfg.Prepared != nil:
			cfg.Prepared()
		case m.Ready != nil:
			cfg.Ready(*m.Ready)
		}
		if err != nil {
			return
		}
	}
}

func (c *Child) send(m message, fds ...int) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.link.send(m, fds...)
}

// Proceed lets a child go on that is prepared: no other process has the backend open.
func (c *Child) Proceed() error { return c.send(message{Proceed: true}) }

// Replace says that another process takes the place of c, which then finishes what it has begun, and ends.
func (c *Child) Replace() error { return c.send(message{Replaced: true}) }

// tellTime bounds the time that [Child.Tell] waits for a child that does not receive, for example in a debugger.
const tellTime = time.Second

// Tell sends what the child should know about its development.
func (c *Child) Tell(n News) error {
	_ = c.link.SetWriteDeadline(time.Now().Add(tellTime))
	defer func() { _ = c.link.SetWriteDeadline(time.Time{}) }()
	return c.send(message{News: &n})
}

// PID returns the number of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Signal sends a signal, unless the process has ended.
func (c *Child) Signal(sig os.Signal) { _ = c.cmd.Process.Signal(sig) }

// Kill ends the process and the programs that it has executed, which are in the same process group. why completes the
// sentence "it was killed, because".
func (c *Child) Kill(why string) {
	c.killed = why
	if c.cmd.Process.Kill() == nil { // it has not ended, so the number of its group is not another's
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// Cause says why the process has ended.
func (c *Child) Cause() string {
	if c.killed != "" {
		return "it was killed, because " + c.killed
	}
	status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return "exit code " + strconv.Itoa(c.cmd.ProcessState.ExitCode())
	}
	text := "signal " + status.Signal().String()
	if status.Signal() == syscall.SIGKILL {
		text += "; if the system was out of memory, its log says so"
	}
	return text
}

// ExitCode returns the exit code of the process as a shell reports it.
func (c *Child) ExitCode() int {
	if status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return c.cmd.ProcessState.ExitCode()
}
