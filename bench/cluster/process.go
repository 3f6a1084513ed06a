package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// process is a process that runs one contender: it reads an order from its input and writes one line for it.
type process struct {
	name   string
	server server
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
}

// start starts the process of a contender on processor 1.
func (b *bench) start(ctx context.Context, name string) (*process, error) {
	p := &process{name: name, server: b.redis}
	if name == riverPostgres {
		p.server = b.postgres
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{program, "-be", name, "-addr", p.server.addr()}
	if script := nodeScripts[name]; script != "" {
		if err := installNode(ctx); err != nil {
			return nil, err
		}
		if script, err = filepath.Abs(filepath.Join(nodeFolder, script)); err != nil {
			return nil, err
		}
		command = []string{"node", script, name, p.server.addr()}
	}
	p.cmd = exec.CommandContext(ctx, "taskset", append([]string{"-c", "1"}, command...)...)
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

// stop closes the input of the process, which ends it.
func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait() // the process has printed its error
}

// ask sends an order and reads the numbers of the answer.
func (p *process) ask(order string, numbers ...*float64) error {
	if _, err := fmt.Fprintln(p.in, order); err != nil {
		return err
	}
	answer, err := p.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s: %q got no answer: %w", p.name, order, err)
	}
	for i, text := range strings.Fields(answer) {
		if i < len(numbers) {
			if _, err := fmt.Sscan(text, numbers[i]); err != nil {
				return fmt.Errorf("%s: %q got the answer %q: %w", p.name, order, answer, err)
			}
		}
	}
	return nil
}

const nodeFolder = "cluster/node"

// installNode installs the contenders on Node.js with npm if they are not installed.
func installNode(ctx context.Context) error {
	if _, err := os.Stat(nodeFolder + "/node_modules"); err == nil {
		return nil
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = nodeFolder
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("the contenders cannot be installed in %s, which needs Node.js 20 with npm: %w\n%s", nodeFolder, err, out)
	}
	return nil
}
