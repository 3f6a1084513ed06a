package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/transport"
)

// queryLines is a transport: each line is the name of an action and a JSON object of params, and each answer is a line.
type queryLines struct{ host transport.Host }

// serve answers the requests of one client.
func (q queryLines) serve(ctx context.Context, in io.Reader, out io.Writer) error {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if _, err := fmt.Fprintf(out, "%s\n", q.answer(ctx, lines.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

func (q queryLines) answer(ctx context.Context, line []byte) []byte {
	name, params, _ := bytes.Cut(line, []byte(" "))
	req := q.host.NewRequest("lines")
	req.Action = q.host.ActionName(name)
	req.Err = transport.ParamsOf(&req.Params).AddObject(params) // middleware and the log see a malformed request as well
	out, err := q.host.Dispatch(ctx, req)
	if err == nil {
		var object []byte
		if object, err = transport.AppendOutput([]byte("{"), req, out); err == nil {
			return append(object, '}')
		}
	}
	return fmt.Appendf(nil, "%v: %v", actionhero.AsError(err).Code, err)
}

// A minimal transport for requests. A transport that listens also implements actionhero.Component and is added with
// API.Add.
func Example() {
	type input struct {
		Name string `json:"name" required:"true" maxLength:"20"`
	}
	greet := actionhero.Action[input, map[string]string]{
		Name: "greet", Description: "Greets",
		Run: func(_ context.Context, in input) (map[string]string, error) {
			return map[string]string{"greeting": "Hello, " + in.Name}, nil
		},
	}
	api, stop := start(greet)
	defer stop()

	client := strings.NewReader("greet {\"name\": \"Ann\"}\ngreet {}\ngreet {\nmeet {}\n")
	var answers bytes.Buffer
	err := queryLines{transport.Of(api)}.serve(context.Background(), client, &answers)
	fmt.Print(answers.String(), err)
	// Output:
	// {"greeting":"Hello, Ann"}
	// invalidInput: name is a required parameter for this action
	// invalidInput: malformed JSON at offset 1: it ends too early
	// notFound: meet is not a known action.
	// <nil>
}

// start returns a started API, and the function that stops it.
func start(parts ...actionhero.Part) (api *actionhero.API, stop func()) {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, parts...)
	if err == nil {
		err = api.Start(context.Background())
	}
	if err != nil {
		panic(err)
	}
	return api, func() { _ = api.Stop(context.Background()) }
}
