package cli_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/web"
)

type shopSettings struct {
	Currency string `json:"currency" default:"EUR" doc:"currency of all prices"`
}

type till struct{ currency string }

// shop returns one initializer that has a part of each kind.
func shop(t *testing.T) actionhero.Initializer {
	const section = actionhero.Section[shopSettings]("shop")
	visits := 0
	price := func(tills actionhero.Value[*till]) actionhero.Part {
		return actionhero.Action[actionhero.None, map[string]string]{Name: "price", Kind: actionhero.KindRead, Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"price": "5 " + tills.Get().currency, "visits": fmt.Sprint(visits)}, nil
		}}
	}
	return actionhero.Initializer{
		Name: "shop",
		Parts: actionhero.Parts{
			section,
			actionhero.Task[actionhero.None]{Name: "count", Run: func(context.Context, actionhero.None) error { return nil }},
			web.Mount("/shop", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "open") })),
			cli.Command{Name: "visit", Run: func(ctx context.Context, env *cli.Env) error { return visit(ctx, env, t) }},
		},
		Setup: func(api *actionhero.API) error {
			tills := actionhero.Provide(api, func(context.Context) (*till, error) { return &till{section.Get(api).Currency}, nil }, nil)
			api.Use(func(next actionhero.Handler) actionhero.Handler {
				return func(ctx context.Context, req *actionhero.Request) (any, error) {
					visits++
					return next(ctx, req)
				}
			})
			return api.Register(price(tills), web.Mount("/late", http.RedirectHandler("/shop", http.StatusFound)))
		},
	}
}

// visit starts the server and prints its answers.
func visit(ctx context.Context, env *cli.Env, t *testing.T) error {
	s, err := env.Server()
	if err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/shop", "/late", "/api/price"} {
		resp, err := client.Get("http://" + s.Web.Addr().String() + path)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Fprintf(env.Stdout, "%.30s %v\n", body, err)
	}
	_, err = s.Tasks.Enqueue(ctx, "count", nil)
	t.Log("visited")
	return err
}

// An initializer alone can be a whole plugin: it brings settings, commands, handlers, middleware, actions and tasks.
func TestAnInitializerBringsPartsOfAllKinds(t *testing.T) {
	t.Parallel()
	const config = `{"shop": {"currency": "CHF"}, "httpServer": {"port": -1}, "tcpServer": {"enable": false}, "tasks": {"memory": true}, "log": {"file": false}}`
	in := shop(t)
	for _, parts := range []actionhero.Parts{{in}, {actionhero.Parts{&in}}} {
		out, errs, code := run(t, config, parts, "visit")
		if want := "open <nil>\nopen <nil>\n{\"price\":\"5 CHF\",\"visits\":\"1\", <nil>\n"; code != 0 || out != want {
			t.Errorf("exit code %d, it prints\n%swant\n%s%s", code, out, want, errs)
		}
		in = shop(t)
	}
}
