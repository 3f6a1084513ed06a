package cli

import (
	"context"
	"encoding/json"
	"flag"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/server"
)

// openapi prints the document of OpenAPI.
func (a *app) openapi() *cobra.Command {
	return a.document("openapi", "Print the OpenAPI 3.1 document of all actions that clients may call over HTTP", func(s *server.Server) ([]byte, error) { return s.Web.OpenAPI() })
}

// asyncapi prints the document of AsyncAPI.
func (a *app) asyncapi() *cobra.Command {
	return a.document("asyncapi", "Print the AsyncAPI 3.0 document of the actions and events over TCP, WebSocket and Socket.IO", (*server.Server).AsyncAPI)
}

// document returns a command that prints a document. It starts no server and opens no connection.
func (a *app) document(name, short string, write func(*server.Server) ([]byte, error)) *cobra.Command {
	indent := true
	return a.command(&Command{
		Name: name, Short: short,
		Flags: func(flags *flag.FlagSet) { flags.BoolVar(&indent, "indent", true, "indent the document for people") },
		Run: func(_ context.Context, env *Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			doc, err := write(s)
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
