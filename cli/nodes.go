package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/supervise"
	"github.com/actionhero-go/actionhero/server"
)

// nodeFlags are the flags of `start` for several nodes.
type nodeFlags struct {
	number     int
	startLimit time.Duration
}

// maxNodes bounds the flag --nodes. A machine has no use for more processes than it has processors.
const maxNodes = 1024

// sharedBackend reports whether all nodes of a configuration have one cache, one queue of tasks and the same rooms.
var sharedBackend = func(cfg server.Config) bool { return cfg.Clustered() }

// checkNodes returns an error if a server with this configuration cannot run in several processes. That includes one
// node, because two processes run while a rolling restart replaces it.
func (f *nodeFlags) check(cfg server.Config) error {
	switch {
	case f.number < 1 || f.number > maxNodes:
		return fmt.Errorf("--nodes is %d: it must be from 1 to %d, such as the number of processors", f.number, maxNodes)
	case f.startLimit < 0:
		return fmt.Errorf("--node-start-limit is %v: it must not be negative", f.startLimit)
	case !sharedBackend(cfg):
		return errors.New("--nodes needs a backend that the nodes share, because each would have rooms, a cache and tasks of its own: set redis.enable to true or the environment variable REDIS_URL, or start one process without --nodes")
	}
	return nil
}

// startNodes runs one of several nodes, if this process has a supervisor. Otherwise it becomes the supervisor.
func (a *app) startNodes(cmd *cobra.Command, cfg server.Config, flags *nodeFlags) error {
	node, err := supervise.Join()
	if err != nil {
		return err
	}
	if err := flags.check(cfg); err != nil {
		return err
	}
	if node != nil {
		return a.serveNode(cmd.Context(), node, cfg)
	}
	program, err := supervise.Program()
	if err != nil {
		return err
	}
	stdout, stderr := supervise.NewConsole(cmd.OutOrStdout()), supervise.NewConsole(cmd.ErrOrStderr())
	log, _, err := logging.New(logging.Config{Level: cfg.Log.Level, Format: cfg.Log.Format, Console: *cfg.Log.Logging && *cfg.Log.Console, Output: stdout})
	if err != nil {
		return fmt.Errorf("the log cannot be opened: %w", err)
	}
	signals, hangupStops, release := supervise.Signals()
	defer release()
	return supervise.Run(cmd.Context(), supervise.Config{
		Nodes: flags.number, Program: program, Args: os.Args[1:], Stdout: stdout, Stderr: stderr, Log: log,
		StartLimit: flags.startLimit, Signals: signals, HangupStops: hangupStops,
	})
}

// drainTime is how long a node that was replaced goes on serving the connections that it has. A client that sends a
// request on a connection within this time reads in the response that the connection ends, and loses no request.
const drainTime = time.Second

// serveNode runs the server of one node until a signal stops it, another node replaces it, or its supervisor ends.
func (a *app) serveNode(ctx context.Context, node *supervise.Node, cfg server.Config) error {
	n := &servedNode{Node: node, ports: netlisten.Share(node.Listen), limit: stopLimit(cfg), announced: make(chan string, 1)}
	ctx, n.stop = context.WithCancel(ctx)
	defer n.stop()
	s, err := a.newServer(nodeConfig(cfg, node.Number()), func(text string) {
		select {
		case n.announced <- text:
		default: // a further start: the supervisor knows already
		}
	})
	if err != nil {
		return err
	}
	go n.follow(s)
	return s.Run(ctx)
}

// servedNode is this process as a node.
type servedNode struct {
	*supervise.Node
	ports     *netlisten.Shared
	limit     time.Duration      // for a stop
	stop      context.CancelFunc // stops the server
	announced chan string        // receives the announcement of the server
}

// follow tells the supervisor when s is ready, and does what the supervisor says, until the process ends.
func (n *servedNode) follow(s *server.Server) {
	select {
	case text := <-n.announced:
		n.serve(text)
	case <-n.Orphaned():
	}
	select {
	case <-n.Replaced():
		slog.Info("another node takes the place of this one, which stops")
		n.ports.Leave()
		s.Web.Drain()
		select {
		case <-time.After(drainTime):
		case <-n.Orphaned():
		}
		n.stop()
	case <-n.Orphaned():
	}
	<-n.Orphaned()
	slog.Warn("the supervisor has ended, so this node stops")
	n.stop()
	time.Sleep(n.limit)
	slog.Error("this node does not stop in its time, and has no supervisor that kills it")
	os.Exit(1)
}

// serve accepts connections and reports to the supervisor that the node is ready.
func (n *servedNode) serve(text string) {
	n.ports.Serve()
	if err := n.Ready(supervise.Readiness{Text: text, StopLimit: n.limit}); err != nil {
		slog.Error("the supervisor cannot be reached", "error", err)
	}
}

// stopLimit returns the time after which a stop of the server has certainly gone wrong: the grace periods of requests
// and tasks, one more for the initializers, one for the backend, and a rest for what ignores them.
func stopLimit(cfg server.Config) time.Duration {
	return drainTime + max(cfg.General.StopGrace, cfg.Tasks.Grace) + 2*cfg.General.StopGrace + 10*time.Second
}

// nodeConfig returns the configuration of a node, which has an id and a log file of its own.
func nodeConfig(cfg server.Config, number int) server.Config {
	suffix := "-" + strconv.Itoa(number)
	if cfg.General.ID == "" {
		cfg.General.ID = cmp.Or(cfg.NodeID(), machineName())
	}
	cfg.General.ID += suffix
	extension := filepath.Ext(cfg.Log.LogFile)
	cfg.Log.LogFile = strings.TrimSuffix(cfg.Log.LogFile, extension) + suffix + extension
	return cfg
}

// machineName returns the name of this machine, for nodes whose ports the system chooses.
func machineName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
