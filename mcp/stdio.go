package mcp

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
)

// command returns the command `mcp`, which serves the tools over the standard streams.
func (p *part) command() cli.Command {
	var user, roles, scopes string
	return cli.Command{
		Name: "mcp", Short: "Serve the tools of the app to an AI agent over the standard streams",
		Long: "Serve the tools of the app to an AI agent over the standard streams (MCP). The agent starts this command.\n\n" +
			"The caller is anonymous. The variable ACTIONHERO_MCP_TOKEN may have a token or an API key, which the app checks\n" +
			"like the header \"Authorization: Bearer\". The flags --user, --roles and --scopes name a caller without a check.\n" +
			"The log goes to standard error. No port is opened.",
		Flags: func(flags *flag.FlagSet) {
			flags.StringVar(&user, "user", "", "the id of the user as whom the agent calls")
			flags.StringVar(&roles, "roles", "", "the roles of that user, with commas between them")
			flags.StringVar(&scopes, "scopes", "", "the scopes of that user, with commas between them")
		},
		Run: func(ctx context.Context, env *cli.Env) error {
			id := actionhero.Identity{ID: user, Roles: list(roles), Scopes: list(scopes)}
			if !id.Known() && (roles != "" || scopes != "") {
				return errors.New("--roles and --scopes need --user: name the user who has them")
			}
			return p.serveStreams(ctx, env, id)
		},
	}
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// serveStreams serves the messages of one agent until its stream ends or ctx does.
func (p *part) serveStreams(ctx context.Context, env *cli.Env, id actionhero.Identity) error {
	if env.Stdout == io.Writer(os.Stdout) {
		os.Stdout = os.Stderr // a line that the app prints is no message
		defer func() { os.Stdout = env.Stdout.(*os.File) }()
	}
	api, err := env.API()
	if err != nil {
		return err
	}
	e := p.endpoint.Load()
	if err := api.Start(ctx); err != nil {
		return fmt.Errorf("%w; if a server runs, connect the agent to %s of that server", err, e.cfg.Path)
	}
	e.streams = &caller{endpoint: e, id: id, known: id.Known(), headers: map[string]string{}}
	if e.cfg.Token != "" {
		e.streams.headers["Authorization"] = "Bearer " + e.cfg.Token
	}
	if !id.Known() {
		if err := e.streams.identify(ctx, e.streams.request()); err != nil {
			return fmt.Errorf("the token in mcp.token (ACTIONHERO_MCP_TOKEN) is refused: %w", err)
		}
		e.streams.known = e.cfg.Token == "" // a token may be revoked, and its user get other roles
	}
	err = e.server.Run(ctx, &sdk.IOTransport{Reader: io.NopCloser(env.Stdin), Writer: writer{env.Stdout}, MaxLineLength: int(e.cfg.MaxCallBytes)})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// writer is the standard output, which stays open.
type writer struct{ io.Writer }

func (writer) Close() error { return nil }
