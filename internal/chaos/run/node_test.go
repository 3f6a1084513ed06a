//go:build linux

package run

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend/redis"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/chaos/probe"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// nodeConfig is what a node gets from the controller.
type nodeConfig struct {
	Dir     string // of the history and of the logs
	Name    string // of the process in the history
	ID      string // of the node, which stays through restarts
	App     uint8
	Index   uint16
	Redis   redis.Config
	Through map[string]string // the address of a server → the address of the proxy of this node
	Load    float64           // 1: see load_test.go
}

// nodeReady is the first line that a node writes to its standard output.
type nodeReady struct{ Web, TCP string }

// node is the process of a node.
type node struct {
	config  nodeConfig
	rec     *history.Recorder
	backend *recordedBackend
	server  *server.Server
	inc     atomic.Uint64 // the incarnation of the queue
}

const nodeWorkers = 6

// runNode runs a node until its standard input ends. It returns the exit code of the process.
func runNode(text string) int {
	n := &node{}
	if err := json.Unmarshal([]byte(text), &n.config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := n.run(); err != nil {
		fmt.Fprintln(os.Stderr, n.config.Name+":", err)
		return 1
	}
	return 0
}

func (n *node) run() (err error) {
	c := &n.config
	if n.rec, err = history.Create(c.Dir, history.Process{Name: c.Name, App: c.App, Index: c.Index}); err != nil {
		return err
	}
	go watchStalls(n.rec, c.Name, nil)
	log, err := os.Create(filepath.Join(c.Dir, c.Name+".log"))
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	n.hook()
	c.Redis.Log = logger
	n.backend = newRecordedBackend(n, redis.New(c.Redis))
	if err := n.start(logger); err != nil {
		n.rec.Bye()
		return err
	}
	ready, err := json.Marshal(nodeReady{n.server.Web.Addr().String(), n.server.TCP.Addr().String()})
	if err != nil {
		return err
	}
	fmt.Println(string(ready))
	return n.obey()
}

// hook records the pulses of the queue, and leads the connections through the proxies.
func (n *node) hook() {
	at := func(sent time.Time) time.Duration { return n.rec.Now() - time.Since(sent) }
	probe.Redis = probe.Hooks{
		Through: func(addr string) string {
			if proxy, ok := n.config.Through[addr]; ok {
				return proxy
			}
			return addr
		},
		Inc: func(inc string, sent time.Time) {
			number, _ := strconv.ParseUint(inc, 10, 64)
			n.inc.Store(number)
			n.rec.Inc(number)
			n.rec.Pulse(at(sent))
		},
		Pulse: func(_ string, sent time.Time) { n.rec.Pulse(at(sent)) },
		Lost:  func(string) { n.rec.LeaseLost() },
	}
}

func (n *node) start(log *slog.Logger) (err error) {
	var cfg server.Config
	off := false
	cfg.General.ID, cfg.General.Backend, cfg.General.Log = n.config.ID, n.backend, log
	cfg.General.AnnounceLimit = newsLimit
	cfg.General.MaxLimit, cfg.General.FlatFileDirectory = -1, n.config.Dir
	cfg.Log.Logging = &off
	cfg.Tasks.Control = &off
	cfg.Tasks.Workers, cfg.Tasks.Grace = nodeWorkers, 5*time.Second
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = -1, "127.0.0.1"
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, "127.0.0.1"
	if n.server, err = server.New(cfg, builtin.Stock, web.Original, n.parts()); err != nil {
		return err
	}
	for _, task := range tasks {
		n.rec.Knows(n.taskName(task.name, ""), history.TaskOptions{MaxCrashes: 3, Exclusive: task.exclusive})
	}
	n.rec.Knows(n.taskName(everywhere, "node:"), history.TaskOptions{MaxCrashes: 3})
	if err := n.server.API.Start(context.Background()); err != nil {
		return err
	}
	n.rec.Workers(nodeWorkers)
	return nil
}

// obey executes the lines of the standard input: "load" begins the load and "drain" ends it, "idle" ends all calls that
// the node makes for the history, and "stop" stops the node.
func (n *node) obey() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	watching, idle := context.WithCancel(ctx)
	defer idle()
	go n.sample(ctx)
	go n.backend.broker.settleIn(watching)
	loading, drain := context.WithCancel(ctx)
	defer drain()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "load":
			n.load(loading)
		case "drain":
			drain()
			n.backend.queue.quiet.Store(true)
		case "idle":
			idle()
		case "stop":
			drain()
			stop()
			n.backend.broker.leave()
			err := n.server.API.Stop(context.Background())
			n.rec.Bye()
			return err
		}
	}
	return nil // the controller has died
}

const samplePause = 5 * time.Second

// sample records gauges until ctx ends.
func (n *node) sample(ctx context.Context) {
	for wait(ctx, samplePause) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		n.rec.Sample(history.GaugeMemory, n.config.Name, int64(m.HeapAlloc))
		n.rec.Sample(history.GaugeGoroutines, n.config.Name, int64(runtime.NumGoroutine()))
	}
}

// wait blocks for d. It returns false if ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watchStalls records the times in which the process got no processor for stallLimit or longer, until done is closed.
func watchStalls(rec *history.Recorder, name string, done <-chan struct{}) {
	const every = 50 * time.Millisecond
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for last := rec.Now(); ; {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
		now := rec.Now()
		if late := now - last - every; late >= history.StallLimit {
			rec.Sample(history.GaugeStall, name, int64(late))
		}
		last = now
	}
}
