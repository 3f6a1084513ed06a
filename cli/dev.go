package cli

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/internal/devpage"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/supervise"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
)

// The longest times that requests and tasks have to end when `actionhero dev` replaces this process. New connections wait
// meanwhile. A task that has not ended runs again in the next process.
const (
	devStopGrace = 5 * time.Second
	devTaskGrace = 2 * time.Second
)

// settleTime bounds the time for which a process that is replaced waits for the requests of connections that it has just
// accepted.
const settleTime = 200 * time.Millisecond

// developed is this process as a child of `actionhero dev`, which has the ports and builds the next process.
type developed struct {
	*supervise.Node
	ports     *netlisten.Shared
	server    *server.Server
	files     string             // the folder of static files
	stop      context.CancelFunc // stops the server
	announced chan string        // receives the announcement of the server
	pages     *devpage.Pages
}

// serveDeveloped runs the server until a signal stops it, another process replaces it, or `actionhero dev` ends.
func (a *app) serveDeveloped(cmd *cobra.Command, node *supervise.Node, cfg server.Config) error {
	cfg.General.StopGrace = min(cfg.General.StopGrace, devStopGrace)
	cfg.Tasks.Grace = min(cfg.Tasks.Grace, devTaskGrace)
	cfg.CommonWeb.FlatFileCacheDuration = 0 // so that a page that is loaded again has no old files
	d := &developed{Node: node, ports: netlisten.Share(node.Listen), files: cfg.General.FlatFileDirectory, announced: make(chan string, 1)}
	if node.Number() > 1 {
		d.ports.Succeed()
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	d.stop = stop
	s, err := a.newServer(cfg, func(text string) {
		select {
		case d.announced <- text:
		default: // a further start: the parent knows already
		}
	})
	if err != nil {
		return err
	}
	d.server, d.pages = s, devpage.New(s.Stopping)
	transport.Of(s.API).AddOutermost(&turn{node: node})
	if err := s.Web.Mount(devpage.Path, d.pages); err != nil {
		return err
	}
	s.Web.EndPages(d.pages.Tag)
	go d.follow()
	return s.Run(ctx)
}

// turn is a component that starts before the backend. It waits until the predecessor of this process has closed its
// backend, which belongs to one process at a time.
type turn struct {
	node *supervise.Node
	had  bool
}

// Start implements actionhero.Component. A further start waits for nothing, because this process has the backend.
func (t *turn) Start(ctx context.Context) error {
	if t.had {
		return nil
	}
	err := t.node.AwaitTurn(ctx)
	t.had = err == nil
	return err
}

// Stop implements actionhero.Component. It does nothing.
func (t *turn) Stop(context.Context) error { return nil }

// follow does what the parent says, until the process ends.
func (d *developed) follow() {
	announced := d.announced
	replaced := d.Replaced()
	for {
		select {
		case text := <-announced:
			announced = nil
			d.ports.Serve()
			limit := devStopGrace + devTaskGrace
			if err := d.Ready(supervise.Readiness{Text: text, StopLimit: limit, Files: d.files}); err != nil {
				slog.Error("actionhero dev cannot be reached", "error", err)
			}
		case news := <-d.News():
			d.heed(news)
		case <-replaced:
			replaced = nil
			d.leave()
		case <-d.Orphaned():
			slog.Warn("actionhero dev has ended, so this app stops")
			d.stop()
			time.Sleep(devStopGrace + devTaskGrace)
			os.Exit(1)
		}
	}
}

// heed prepares connections for a successor while it is built, and passes the rest on to the pages.
func (d *developed) heed(news supervise.News) {
	if news.Building {
		d.server.Web.Drain()
	} else {
		d.server.Web.Resume()
	}
	d.pages.Set(news.Pages, news.Failure)
}

// leave stops the server, whose successor is prepared. Connections that come meanwhile wait in the queue of the port.
func (d *developed) leave() {
	d.server.Web.Drain()
	d.ports.Leave()
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	d.server.Web.Settle(ctx)
	d.stop()
}
