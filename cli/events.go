package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero"
)

// eventView is an event as `events --json` prints it.
type eventView struct {
	Name        string          `json:"name"`
	Room        string          `json:"room"`
	Access      []string        `json:"access"` // as Access.String describes them
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
}

// events returns the command that lists the typed messages to rooms.
func (a *app) events() *cobra.Command {
	asJSON := false
	return a.command(&Command{
		Name: "events", Short: "List the events that the app sends to rooms",
		Flags: func(flags *flag.FlagSet) { flags.BoolVar(&asJSON, "json", false, "print a JSON array, for scripts") },
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			views := eventViews(s.Describe().Events)
			switch {
			case asJSON:
				return printIndented(env.Stdout, views)
			case len(views) == 0:
				_, err = fmt.Fprintln(env.Stdout, "The app declares no events.")
				return err
			}
			rows := [][]string{{"EVENT", "ROOM", "ACCESS", "DESCRIPTION"}}
			for _, v := range views {
				rows = append(rows, []string{v.Name, v.Room, strings.Join(v.Access, "; "), v.Description})
			}
			printTable(env.Stdout, rows)
			return nil
		},
	})
}

func eventViews(events []actionhero.EventInfo) []eventView {
	views := make([]eventView, len(events))
	for i, e := range events {
		views[i] = eventView{e.Name, e.Room, []string{}, e.Description, e.Schema}
		for _, rule := range e.Access {
			views[i].Access = append(views[i].Access, rule.String())
		}
		if len(e.Access) == 0 {
			views[i].Access = append(views[i].Access, actionhero.Public.String())
		}
	}
	return views
}
