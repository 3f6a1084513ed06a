package cli

import (
	"context"
	"encoding/json"
	"flag"

	"github.com/spf13/cobra"
)

// openapi prints the document of OpenAPI. It starts no server and opens no connection.
func (a *app) openapi() *cobra.Command {
	indent := true
	return a.command(&Command{
		Name: "openapi", Short: "Print the OpenAPI 3.1 document of all actions that clients may call over HTTP",
		Flags: func(flags *flag.FlagSet) { flags.BoolVar(&indent, "indent", true, "indent the document for people") },
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			doc, err := s.Web.OpenAPI()
			if err != nil {
				return err
			}
			if indent {
				return printIndented(env.Stdout, json.RawMessage(doc))
			}
			_, err = env.Stdout.Write(append(doc, '\n'))
			return err
		},
	})
}
