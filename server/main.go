package server

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
)

// Main is the command line of an app: start, actions, tasks, config, version, help. It reads the configuration of the
// working directory, and exits the process: 0 after an orderly end, 1 with one sentence if something is wrong.
func Main(parts ...actionhero.Part) {
	os.Exit(Command(os.Stdout, os.Stderr, os.Args, parts...))
}

// Command is [Main] without the exit: it runs a command line, of which args[0] is the program, and returns the exit code.
func Command(stdout, stderr io.Writer, args []string, parts ...actionhero.Part) int {
	root := commands(filepath.Base(args[0]), parts)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args[1:])
	if err := root.Execute(); err != nil {
		fmt.Fprintln(stderr, "Error:", err)
		return 1
	}
	return 0
}

func commands(name string, parts []actionhero.Part) *cobra.Command {
	root := &cobra.Command{
		Use:   name,
		Short: "An API server: write an action once, every transport serves it",
		Long: "An API server: write an action once, and HTTP, HTTPS and TCP serve it.\n\n" +
			"It reads config.json, config.yaml or config.toml in the working directory, and over it the environment;\n" +
			"\"" + name + " config\" lists the settings.",
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	file := root.PersistentFlags().String("config", "", "read this configuration file instead of the one in the working directory")
	load := func() (Config, error) {
		if *file != "" {
			return LoadFile(*file)
		}
		return Load(".")
	}
	root.AddCommand(
		&cobra.Command{
			Use: "start", Short: "Start the server; Ctrl+C stops it in an orderly way", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				cfg, err := load()
				if err != nil {
					return err
				}
				return start(cmd.Context(), cmd.OutOrStdout(), cfg, parts)
			},
		},
		&cobra.Command{
			Use: "actions", Short: "List the actions and their inputs", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				cfg, err := load()
				if err != nil {
					return err
				}
				return listActions(cmd.OutOrStdout(), cfg, parts)
			},
		},
		configCommand(load),
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			Run: func(cmd *cobra.Command, _ []string) {
				fmt.Fprintf(cmd.OutOrStdout(), "actionhero %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			},
		},
		(&taskCommands{name: name, load: load, parts: parts}).command(),
	)
	return root
}

// version is the module's version, with the revision it was built from where that is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return actionhero.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return actionhero.Version + "+" + s.Value[:min(len(s.Value), 12)]
		}
	}
	return actionhero.Version
}

func start(ctx context.Context, out io.Writer, cfg Config, parts []actionhero.Part) error {
	if ctx == nil {
		ctx = context.Background()
	}
	s, err := New(cfg, parts...)
	if err != nil {
		return err
	}
	defer s.Close()
	s.API.Add(announcer{s, out}) // the last to start: what it says is true then, and a signal is orderly already
	return s.Run(ctx)
}

// announcer says that the server is up.
type announcer struct {
	server *Server
	out    io.Writer
}

// Start implements actionhero.Component.
func (a announcer) Start(context.Context) error {
	a.server.announce(a.out)
	return nil
}

// Stop implements actionhero.Component.
func (a announcer) Stop(context.Context) error { return nil }

// announce says what listens where.
func (s *Server) announce(out io.Writer) {
	cfg := s.Config()
	fmt.Fprintf(out, "%s is up (actionhero %s)\n", cfg.ServerName, version())
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, scheme string, addr net.Addr, path string) {
		if addr != nil {
			fmt.Fprintf(tw, "  %s\t%s%s%s\n", name, scheme, reachable(addr), path)
		}
	}
	web := s.Web.Paths()
	line("HTTP", "http://", s.Web.Addr(), web.Actions)
	line("HTTPS", "https://", s.Web.TLSAddr(), web.Actions)
	if s.WebSocket != nil {
		line("WebSocket", "ws://", s.Web.Addr(), webSocketPath)
	}
	if s.SocketIO != nil {
		line("Socket.IO", "http://", s.Web.Addr(), socketIOPath)
	}
	line("TCP", "", s.TCP.Addr(), "")
	line("TCP (TLS)", "", s.TCP.TLSAddr(), "")
	line("Start page", "http://", s.Web.Addr(), web.Files)
	tw.Flush()
	fmt.Fprintln(out, "Ctrl+C stops it.")
}

// reachable is an address as a person on this machine would type it.
func reachable(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	if tcp.IP.IsUnspecified() || tcp.IP.IsLoopback() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return tcp.String()
}

func listActions(out io.Writer, cfg Config, parts []actionhero.Part) error {
	cfg.Log.Logging = new(false)
	s, err := New(cfg, parts...)
	if err != nil {
		return err
	}
	defer s.Close()
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, info := range s.Actions() {
		fmt.Fprintf(tw, "%s\t%s\n", info.Name, info.Description)
		for _, in := range info.Inputs {
			need := "optional"
			if in.Required {
				need = "required"
			}
			fmt.Fprintf(tw, "  %s (%s, %s)\t%s\n", in.Name, cmp.Or(in.Type, "any"), need, in.Doc)
		}
	}
	return tw.Flush()
}

func configCommand(load func() (Config, error)) *cobra.Command {
	var asJSON, asMarkdown bool
	cmd := &cobra.Command{
		Use: "config", Short: "List every setting with its value, the origin of the value, and its environment variable", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			if asMarkdown {
				return SettingsMarkdown(out)
			}
			cfg, err := load()
			if err != nil {
				return err
			}
			if asJSON {
				return cfg.SettingsJSON(out)
			}
			return cfg.Settings(out)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array, for scripts")
	cmd.Flags().BoolVar(&asMarkdown, "markdown", false, "print the reference of all settings, with their defaults instead of their values")
	cmd.MarkFlagsMutuallyExclusive("json", "markdown")
	return cmd
}
