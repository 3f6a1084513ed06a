//go:build unix

package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// phase is what a process does, as far as its supervisor knows.
type phase int

const (
	starting phase = iota
	serving        // it has said that it is ready
	leaving        // it was replaced, or must stop
	ended
)

// process is a process of a node.
type process struct {
	number int
	cmd    *exec.Cmd
	link   *link

	// The loop of the supervisor owns these.
	phase     phase
	limit     *time.Timer // kills a process that does not start or stop in its time; nil: none
	early     bool        // it has to stop before it was ready
	killed    string      // why the supervisor has killed the process; empty: it has not
	stopLimit time.Duration
	served    time.Time // when it became ready
}

// drainTime is how long the supervisor reads the output of a process that has ended. A program that the process has
// executed may keep the pipe open.
const drainTime = time.Second

// launch starts a process with the number. The supervisor's loop learns what becomes of the process.
func (s *supervisor) launch(number int) (*process, error) {
	link, end, err := newLinks()
	if err != nil {
		return nil, err
	}
	defer end.Close()
	out, errs := &lineWriter{out: s.Stdout, number: number}, &lineWriter{out: s.Stderr, number: number}
	cmd := exec.Command(s.Program, s.Args...)
	cmd.Env = append(s.Env[:len(s.Env):len(s.Env)], fmt.Sprintf("%s=%d:%d", variable, number, os.Getpid()))
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles, cmd.WaitDelay = out, errs, []*os.File{end}, drainTime
	// In a process group of its own, a node does not receive the signals of the terminal: the supervisor passes them on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, link.Close())
	}
	p := &process{number: number, cmd: cmd, link: link, stopLimit: s.StopLimit}
	var reading sync.WaitGroup
	reading.Go(func() { s.read(p) })
	s.running.Go(func() {
		err := cmd.Wait()
		_ = link.Close()
		reading.Wait()
		out.end()
		errs.end()
		s.post(func() { s.ended(p, err) })
	})
	if s.StartLimit > 0 {
		s.within(p, s.StartLimit, "it was not ready within "+s.StartLimit.String())
	}
	return p, nil
}

// read receives the messages of p until its process ends.
func (s *supervisor) read(p *process) {
	for {
		m, err := p.link.receive()
		switch {
		case err != nil:
			return
		case m.Listen != nil:
			err = s.sockets.give(p, m.Listen)
		case m.Ready != nil:
			s.post(func() { s.ready(p, m.Ready) })
		}
		if err != nil {
			return
		}
	}
}

// within kills p if it is still in its present phase when the time limit ends. why completes the sentence "killed:".
func (s *supervisor) within(p *process, limit time.Duration, why string) {
	now := p.phase
	p.limit = time.AfterFunc(limit, func() {
		s.post(func() {
			if p.phase == now {
				p.kill(why)
			}
		})
	})
}

// enter ends the present phase of p with its time limit.
func (p *process) enter(next phase) {
	p.phase = next
	if p.limit != nil {
		p.limit.Stop()
	}
}

// kill ends p and the programs that it has executed, which are in the same process group.
func (p *process) kill(why string) {
	p.killed = why
	if p.cmd.Process.Kill() == nil { // it has not ended, so the number of its group is not another's
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// signal sends a signal to p, if it has not ended.
func (p *process) signal(sig os.Signal) {
	if p.phase != ended {
		_ = p.cmd.Process.Signal(sig)
	}
}

// cause says why p has ended.
func (p *process) cause() string {
	if p.killed != "" {
		return "it was killed, because " + p.killed
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return "exit code " + strconv.Itoa(p.cmd.ProcessState.ExitCode())
	}
	text := "signal " + status.Signal().String()
	if status.Signal() == syscall.SIGKILL {
		text += "; if the system was out of memory, its log says so"
	}
	return text
}

// orderly reports whether p has ended as a stop should end.
func (p *process) orderly() bool {
	code := p.exitCode()
	return p.early || p.killed == "" && code == 0
}

// exitCode returns the exit code of p as a shell reports it.
func (p *process) exitCode() int {
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// sockets are the listening sockets that the supervisor owns.
type sockets struct {
	open OpenFunc

	mu   sync.Mutex
	list map[listenRequest]*ownedSocket
	done bool // no further sockets
}

// ownedSocket is a socket of the supervisor with the processes that have copies of it.
type ownedSocket struct {
	Socket
	users map[*process]struct{}
}

// give sends a copy of the socket that p asks for to p. It opens the socket if no process has asked for it before.
func (s *sockets) give(p *process, want *listenRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	socket, err := s.find(*want)
	if err != nil {
		reply := &socketReply{Error: err.Error(), Stopping: s.done}
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			reply.Errno = int(errno)
		}
		return p.link.send(message{Socket: reply})
	}
	socket.users[p] = struct{}{}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) { sent = p.link.send(message{Socket: &socketReply{}}, int(fd)) })
	return errors.Join(err, sent)
}

func (s *sockets) find(want listenRequest) (*ownedSocket, error) {
	if socket := s.list[want]; socket != nil {
		return socket, nil
	}
	if s.done {
		return nil, errors.New("the supervisor stops")
	}
	opened, err := s.open(context.Background(), want.Network, want.Address)
	if err != nil {
		return nil, err
	}
	socket := &ownedSocket{opened, map[*process]struct{}{}}
	s.list[want] = socket
	return socket, nil
}

// forget records that p has ended.
func (s *sockets) forget(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, socket := range s.list {
		delete(socket.users, p)
	}
}

// closeUnused closes the sockets that no process has, for example because the configuration has changed.
func (s *sockets) closeUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, socket := range s.list {
		if len(socket.users) == 0 {
			_ = socket.Close()
			delete(s.list, key)
		}
	}
}

// closeAll closes all sockets. They stay open in the processes that have copies.
func (s *sockets) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	for _, socket := range s.list {
		_ = socket.Close()
	}
	clear(s.list)
}
