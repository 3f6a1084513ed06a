package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
)

// routeView is a route as `routes --json` prints it.
type routeView struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Action string `json:"action"`
	Kind   string `json:"kind"`
	Access string `json:"access"`
}

func (a *app) routes() *cobra.Command {
	asJSON := false
	return a.command(&Command{
		Name: "routes", Short: "List the HTTP routes of the actions",
		Flags: func(flags *flag.FlagSet) { flags.BoolVar(&asJSON, "json", false, "print a JSON array, for scripts") },
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			views := routeViews(s.Actions())
			if asJSON {
				return printIndented(env.Stdout, views)
			}
			rows := [][]string{{"METHOD", "PATH", "ACTION", "KIND", "ACCESS"}}
			for _, v := range views {
				rows = append(rows, []string{v.Method, v.Path, v.Action, v.Kind, v.Access})
			}
			if !haveRules(s.Actions()) {
				for i := range rows {
					rows[i] = rows[i][:4]
				}
			}
			if len(views) > 0 {
				printTable(env.Stdout, rows)
			}
			_, err = fmt.Fprintf(env.Stdout, "Each action is also at %s/NAME.\n", s.Web.Paths().Actions)
			return err
		},
	})
}

// routeViews returns the routes of the actions, sorted by path and method.
func routeViews(actions []actionhero.ActionInfo) []routeView {
	views := []routeView{}
	for _, info := range actions {
		for _, route := range info.Routes {
			method, path, _ := strings.Cut(route, " ")
			views = append(views, routeView{method, path, calledName(&info), info.Kind.String(), info.Access.String()})
		}
	}
	slices.SortFunc(views, func(a, b routeView) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	return views
}
