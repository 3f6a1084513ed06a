package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/buildversion"
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
	ruled := haveRules(actions)
	for _, info := range actions {
		what := info.Kind.String()
		if info.Version > 0 {
			what = fmt.Sprintf("version %d, %s", info.Version, what)
		}
		if ruled {
			what += ", " + info.Access.String()
		}
		if info.Deprecated != nil {
			what += ", deprecated " + info.Deprecated.String()
		}
		fmt.Fprintf(tw, "%s (%s)\t%s\n", calledName(&info), what, info.Description)
		for _, path := range info.Routes {
			fmt.Fprintf(tw, "  %s\t\n", path)
		}
		properties := propertiesOf(&info)
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
			p := properties[in.Name]
			if rules := p.rules(); rules != "" {
				need += ", " + rules
			}
			fmt.Fprintf(tw, "  %s (%s, %s)\t%s\n", in.Name, kind, need, cmp.Or(p.Description, in.Doc))
		}
	}
	return tw.Flush()
}

// haveRules reports whether an action is closed to some callers, so that lists show which ones are open.
func haveRules(actions []actionhero.ActionInfo) bool {
	return slices.ContainsFunc(actions, func(info actionhero.ActionInfo) bool { return info.Access.String() != actionhero.Public.String() })
}

// actionJSON is an action in the output of "actions --json".
type actionJSON struct {
	Name          string          `json:"name"`
	Version       int             `json:"version,omitzero"` // of several actions with this name
	Deprecated    *deprecatedJSON `json:"deprecated,omitempty"`
	Description   string          `json:"description"`
	Kind          string          `json:"kind"`
	Idempotent    bool            `json:"idempotent"`
	Access        string          `json:"access"` // as Access.String describes it
	Routes        []string        `json:"routes"`
	Inputs        []inputJSON     `json:"inputs"`
	InputSchema   json.RawMessage `json:"inputSchema"` // with the rules of the inputs
	OutputExample json.RawMessage `json:"outputExample,omitempty"`
}

// deprecatedJSON is an actionhero.Deprecation with the names of JSON.
type deprecatedJSON struct {
	Since       string `json:"since"`
	Sunset      string `json:"sunset,omitempty"`
	Replacement string `json:"replacement,omitempty"`
	Link        string `json:"link,omitempty"`
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
		list[i] = actionJSON{info.Name, info.Version, (*deprecatedJSON)(info.Deprecated), info.Description, info.Kind.String(), info.Idempotent, info.Access.String(), append([]string{}, info.Routes...), inputs, info.InputSchema, info.OutputExample}
	}
	return printIndented(out, list)
}

// printIndented prints v as indented JSON.
func printIndented(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
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

// versions are the versions of the program, as `version --json` prints them.
type versions struct {
	ActionHero string `json:"actionhero"`
	Program    string `json:"program"`           // the path of its main package
	Version    string `json:"version,omitempty"` // of the module of the program, if it is another one
	Revision   string `json:"revision,omitempty"`
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
}

func (a *app) version() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versionsOf()
			if asJSON {
				return printIndented(cmd.OutOrStdout(), v)
			}
			own := ""
			if v.Version != "" {
				own = fmt.Sprintf("%s %s, ", a.name, v.Version)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%sactionhero %s (%s, %s/%s)\n", own, versionText(), v.Go, v.OS, v.Arch)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object, for scripts")
	return cmd
}

// ownModule is the path of the module of this package.
const ownModule = "github.com/actionhero-go/actionhero"

func versionsOf() versions {
	program := buildversion.Of(ownModule)
	return versions{
		ActionHero: actionhero.Version, Program: program.Path, Version: program.Version, Revision: program.Revision,
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
}

// versionText returns the version of the module of actionHero, and the revision of the program if it is known.
func versionText() string { return buildversion.Text(actionhero.Version) }
