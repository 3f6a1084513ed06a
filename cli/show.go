package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

func (a *app) actions() *cobra.Command {
	return a.command(&Command{
		Name: "actions", Short: "List the actions and their inputs",
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			tw := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
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
		},
	})
}

func (a *app) config() *cobra.Command {
	var asJSON, asMarkdown, limits bool
	return a.command(&Command{
		Name: "config", Short: "List every setting with its value, the origin of the value, and its environment variable",
		Flags: func(flags *flag.FlagSet) {
			flags.BoolVar(&asJSON, "json", false, "print a JSON array, for scripts")
			flags.BoolVar(&asMarkdown, "markdown", false, "print the reference of all settings, with their defaults instead of their values")
			flags.BoolVar(&limits, "limits", false, "print the limits on clients, as a Markdown table")
		},
		Run: func(_ context.Context, env *Env) error {
			switch {
			case limits:
				return server.LimitsMarkdown(env.Stdout)
			case asMarkdown:
				return server.SettingsMarkdown(env.Stdout)
			case asJSON:
				return env.Config.SettingsJSON(env.Stdout)
			}
			return env.Config.Settings(env.Stdout)
		},
	})
}

func version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "actionhero %s (%s, %s/%s)\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// versionText returns the version of the module. If the build information has a revision, up to 12 characters of the
// revision follow the version.
func versionText() string {
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
