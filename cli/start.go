package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/internal/heapfloor"
	"github.com/actionhero-go/actionhero/internal/signals"
	"github.com/actionhero-go/actionhero/internal/supervise"
	"github.com/actionhero-go/actionhero/server"
)

func (a *app) start() *cobra.Command {
	var nodes nodeFlags
	cmd := &cobra.Command{
		Use: "start", Short: "Start the server; Ctrl+C stops it in an orderly way", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			release := signals.Catch()
			if !a.exits {
				defer release()
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("nodes") {
				return a.startNodes(cmd, cfg, &nodes)
			}
			defer heapfloor.Keep(cfg.General.MinHeapBytes)() // before the parts are compiled, which makes garbage
			node, err := supervise.Join()
			if err != nil {
				return err
			}
			if node != nil {
				return a.serveDeveloped(cmd, node, cfg)
			}
			s, err := a.newServer(cfg, func(text string) { _, _ = io.WriteString(cmd.OutOrStdout(), text) })
			if err != nil {
				return err
			}
			defer heapfloor.ReturnIdle()()
			return s.Run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&nodes.number, "nodes", 0, "run this number of processes that share all ports, under a supervisor; needs redis.enable or REDIS_URL")
	cmd.Flags().DurationVar(&nodes.startLimit, "node-start-limit", time.Minute, "with --nodes: the time in which a node must be ready, or it is killed; 0 is no limit")
	return cmd
}

// newServer returns a server that calls announce with a text that says where it serves, when it is ready.
func (a *app) newServer(cfg server.Config, announce func(text string)) (*server.Server, error) {
	s, err := server.New(cfg, a.parts...)
	if err != nil {
		return nil, err
	}
	slog.SetDefault(s.Log()) // lines that the app and its libraries log without a logger of their own
	s.Add(announcement{s, clusterPlace(cfg), announce})
	return s, nil
}

// clusterPlace says where the nodes of the configuration meet. It is empty without a cluster.
func clusterPlace(cfg server.Config) string {
	if !cfg.Clustered() {
		return ""
	}
	return cfg.Redis.Place()
}

// announcement is a component that announces the addresses of the server.
type announcement struct {
	server   *server.Server
	cluster  string // where the nodes of the cluster meet; empty without a cluster
	announce func(text string)
}

// Start implements actionhero.Component. It does nothing.
func (a announcement) Start(context.Context) error { return nil }

// Started implements actionhero.StartHook. It announces the addresses of the server, which is ready.
func (a announcement) Started() {
	var text strings.Builder
	fmt.Fprintf(&text, "%s is up (actionhero %s)\n", a.server.Config().ServerName, versionText())
	tw := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, e := range a.server.Endpoints() {
		fmt.Fprintf(tw, "  %s\t%s\n", e.Name, e.URL)
	}
	if a.cluster != "" {
		fmt.Fprintf(tw, "  Cluster\tnode %s, Redis at %s\n", a.server.Stats.ID(), a.cluster)
	}
	tw.Flush()
	fmt.Fprintln(&text, "Ctrl+C stops it.")
	a.announce(text.String())
}

// Stop implements actionhero.Component. It does nothing.
func (a announcement) Stop(context.Context) error { return nil }
