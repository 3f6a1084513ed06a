//go:build linux

package run

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
)

// member is a node of the cluster through all its processes.
type member struct {
	r       *runner
	number  int
	id      string
	proxies []*faultproxy.Proxy
	sent    atomic.Int64 // commands that the node has sent
	losing  atomic.Int32 // the faultproxy.Fault of its commands

	mu      sync.Mutex
	process *process
	starts  int
}

// process is one process of a member.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{} // closed when the process has ended
	ready chan struct{} // closed when it serves
	at    nodeReady
	ended atomic.Bool // on purpose
}

func (m *member) current() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process
}

// start starts a process, and returns when the process is in the history.
func (m *member) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.startLocked()
}

func (m *member) startLocked() {
	m.starts++
	p := &process{name: fmt.Sprintf("%s.%d", m.id, m.starts), done: make(chan struct{}), ready: make(chan struct{})}
	config := nodeConfig{
		Dir: m.r.dir, Name: p.name, ID: m.id, Index: uint16(m.r.indexes.Add(1)), Redis: m.r.servers.config(m.r.prefix),
		Through: map[string]string{}, Load: m.r.options.load,
	}
	for i, addr := range m.r.servers.addrs() {
		config.Through[addr] = m.proxies[i].Addr()
	}
	if m.number == 1 {
		config.Redis.LocalCache = 5 * time.Second
	}
	text, err := json.Marshal(config)
	if err != nil {
		m.r.fail(err)
		return
	}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), nodeEnv+"="+string(text), "GOMAXPROCS=2")
	p.cmd.Stderr = m.r.stderr
	stdin, err1 := p.cmd.StdinPipe()
	stdout, err2 := p.cmd.StdoutPipe()
	if p.stdin = stdin; err1 != nil || err2 != nil || p.cmd.Start() != nil {
		m.r.fail(fmt.Errorf("%s does not start: %w", p.name, p.cmd.Err))
		return
	}
	m.process = p
	m.r.watchers.Go(func() { m.follow(p, stdout) })
	for !m.inHistory(p) {
		select {
		case <-p.done:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (m *member) inHistory(p *process) bool {
	info, err := os.Stat(filepath.Join(m.r.dir, p.name+".events"))
	return err == nil && info.Size() > 0
}

// follow waits for the process. If it ends on its own before it serves, another one is started: the servers were away for
// too long, or the id of the node was still in use.
func (m *member) follow(p *process, stdout io.Reader) {
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil && json.Unmarshal(line, &p.at) == nil {
		if m.r.loading.Load() {
			p.tell("load")
		}
		close(p.ready)
	}
	err = p.cmd.Wait()
	close(p.done)
	if p.serves() && !p.ended.Load() {
		m.r.fail(fmt.Errorf("%s ended on its own: %w", p.name, err))
		return
	}
	select {
	case <-time.After(time.Second):
	case <-m.r.done:
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !p.ended.Load() {
		m.r.restarts.Add(1)
		m.startLocked()
	}
}

// end marks the current process as one that ends on purpose, and returns it. The result first is false if it was marked
// before.
func (m *member) end() (p *process, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process, !m.process.ended.Swap(true)
}

func (p *process) tell(command string) { _, _ = io.WriteString(p.stdin, command+"\n") }

func (p *process) serves() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

func (p *process) lives() bool {
	select {
	case <-p.done:
		return false
	default:
		return p.serves() && !p.ended.Load()
	}
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// make makes a fault of the node, and returns the function that heals it.
func (m *member) make(p *process, kind history.FaultKind) (heal func()) {
	each := func(f func(*faultproxy.Proxy)) {
		for _, proxy := range m.proxies {
			f(proxy)
		}
	}
	switch kind {
	case history.FaultKill:
		p.signal(syscall.SIGKILL)
		<-p.done
		return m.start
	case history.FaultPause:
		p.signal(syscall.SIGSTOP)
		return func() { p.signal(syscall.SIGCONT) }
	case history.FaultCut:
		each((*faultproxy.Proxy).Cut)
		return func() { each((*faultproxy.Proxy).Heal) }
	case history.FaultHalfOpen:
		if rand.IntN(2) == 0 { // in one direction: the servers still execute what the node sends
			m.losing.Store(int32(faultproxy.Silence))
			return func() { m.losing.Store(0) }
		}
		each((*faultproxy.Proxy).Freeze)
		return func() { each((*faultproxy.Proxy).Heal) }
	case history.FaultClientKill:
		if rand.IntN(2) == 0 {
			for _, s := range m.r.servers.list {
				_, _ = s.TryDo("CLIENT", "KILL", "TYPE", "pubsub") // those of all nodes
			}
		} else {
			m.proxies[rand.IntN(len(m.proxies))].CloseAll()
		}
		return func() {}
	case history.FaultAnswer:
		m.losing.Store(int32(faultproxy.LoseAnswer))
		return func() { m.losing.Store(0) }
	}
	m.r.fail(fmt.Errorf("no node can make %s", kind))
	return func() {}
}

// choose is called for each command of the node.
func (m *member) choose([]string) faultproxy.Fault {
	m.sent.Add(1)
	switch f := faultproxy.Fault(m.losing.Load()); {
	case f == faultproxy.LoseAnswer && rand.IntN(4) > 0:
		return faultproxy.Pass
	default:
		return f
	}
}
