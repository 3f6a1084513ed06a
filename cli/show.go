package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

func (a *app) actions() *cobra.Command {
	asJSON := false
	return a.command(&Command{
		Name: "actions", Short: "List the actions with their kind, their routes and their inputs",
		Flags: func(flags *flag.FlagSet) { flags.BoolVar(&asJSON, "json", false, "print a JSON array, for scripts") },
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			if asJSON {
				return printActionsJSON(env.Stdout, s.Actions())
			}
			return printActions(env.Stdout, s.Actions())
		},
	})
}

// printActions prints the actions for people: a line for each action, for each of its routes and for each input.
func printActions(out io.Writer, actions []actionhero.ActionInfo) error {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, info := range actions {
		fmt.Fprintf(tw, "%s (%s)\t%s\n", info.Name, info.Kind, info.Description)
		for _, path := range info.Routes {
			fmt.Fprintf(tw, "  %s\t\n", path)
		}
		for _, in := range info.Inputs {
			need := "optional"
			if in.Required {
				need = "required"
			}
			if in.Secret {
				need += ", secret"
			}
			kind := cmp.Or(in.Type, "any")
			if in.Format != "" {
				kind += " " + in.Format
			}
			fmt.Fprintf(tw, "  %s (%s, %s)\t%s\n", in.Name, kind, need, in.Doc)
		}
	}
	return tw.Flush()
}

// actionJSON is an action in the output of "actions --json".
type actionJSON struct {
	Name          string          `json:"name"`
	Description   string          `json:"description"`
	Kind          string          `json:"kind"`
	Idempotent    bool            `json:"idempotent"`
	Routes        []string        `json:"routes"`
	Inputs        []inputJSON     `json:"inputs"`
	OutputExample json.RawMessage `json:"outputExample,omitempty"`
}

type inputJSON struct {
	Name     string `json:"name"`
	Doc      string `json:"doc,omitempty"`
	Type     string `json:"type,omitempty"` // in the words of JSON Schema; empty: any
	Format   string `json:"format,omitempty"`
	Required bool   `json:"required"`
	Secret   bool   `json:"secret"`
}

// printActionsJSON prints the actions as an indented JSON array.
func printActionsJSON(out io.Writer, actions []actionhero.ActionInfo) error {
	list := make([]actionJSON, len(actions))
	for i, info := range actions {
		inputs := make([]inputJSON, len(info.Inputs))
		for j, in := range info.Inputs {
			inputs[j] = inputJSON{in.Name, in.Doc, in.Type, in.Format, in.Required, in.Secret}
		}
		list[i] = actionJSON{info.Name, info.Description, info.Kind.String(), info.Idempotent, append([]string{}, info.Routes...), inputs, info.OutputExample}
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

func (a *app) config() *cobra.Command {
	var asJSON, asMarkdown, asYAML, limits bool
	return a.command(&Command{
		Name: "config", Short: "List every setting with its value, the origin of the value, and its environment variable",
		Flags: func(flags *flag.FlagSet) {
			flags.BoolVar(&asJSON, "json", false, "print a JSON array, for scripts")
			flags.BoolVar(&asMarkdown, "markdown", false, "print the reference of all settings, with their defaults instead of their values")
			flags.BoolVar(&asYAML, "yaml", false, "print a configuration file in which each setting is a comment with its default")
			flags.BoolVar(&limits, "limits", false, "print the limits on clients, as a Markdown table")
		},
		Run: func(_ context.Context, env *Env) error {
			switch {
			case limits:
				return server.LimitsMarkdown(env.Stdout)
			case asMarkdown:
				return server.SettingsMarkdown(env.Stdout)
			case asYAML:
				return env.Config.SettingsYAML(env.Stdout)
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
