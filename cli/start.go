package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/server"
)

func (a *app) start() *cobra.Command {
	return &cobra.Command{
		Use: "start", Short: "Start the server; Ctrl+C stops it in an orderly way", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			s, err := server.New(cfg, a.parts...)
			if err != nil {
				return err
			}
			slog.SetDefault(s.Log()) // lines that the app and its libraries log without a logger of their own
			s.Add(announcement{s, cmd.OutOrStdout()})
			return s.Run(cmd.Context())
		},
	}
}

// announcement is a component that prints the addresses of the server. It starts last, when all transports already
// listen.
type announcement struct {
	server *server.Server
	out    io.Writer
}

// Start implements actionhero.Component. It prints the addresses of the server.
func (a announcement) Start(context.Context) error {
	fmt.Fprintf(a.out, "%s is up (actionhero %s)\n", a.server.Config().ServerName, versionText())
	tw := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, e := range a.server.Endpoints() {
		fmt.Fprintf(tw, "  %s\t%s\n", e.Name, e.URL)
	}
	tw.Flush()
	fmt.Fprintln(a.out, "Ctrl+C stops it.")
	return nil
}

// Stop implements actionhero.Component. It does nothing.
func (a announcement) Stop(context.Context) error { return nil }
