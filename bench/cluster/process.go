package main

import (
	"context"
	"os"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
)

// process is the process of one contender, with the server that it uses.
type process struct {
	*proc.Worker
	server server
}

// start starts the process of a contender on processor 1.
func (b *bench) start(ctx context.Context, name string) (*process, error) {
	p := &process{server: b.redis}
	if name == riverPostgres {
		p.server = b.postgres
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{program, "-be", name, "-addr", p.server.addr()}
	if script := nodeScripts[name]; script != "" {
		if script, err = proc.NodeScript(ctx, nodeFolder, script); err != nil {
			return nil, err
		}
		command = []string{"node", script, name, p.server.addr()}
	}
	p.Worker, err = proc.StartWorker(ctx, name, append([]string{"taskset", "-c", "1"}, command...)...)
	return p, err
}

// nodeFolder has the contenders on Node.js.
const nodeFolder = "cluster/node"
