package actionhero_test

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// A client that reads no answer tries again with the same key. The action has run once, and the client reads its answer.
func ExampleKeyUse() {
	type input struct {
		Item string `json:"item" required:"true"`
	}
	type output struct {
		Number int `json:"number"`
	}
	orders := 0
	order := actionhero.Action[input, output]{
		Name: "order", IdempotencyKey: actionhero.KeyRequired,
		Run: func(context.Context, input) (output, error) {
			orders++
			return output{orders}, nil
		},
	}
	api, stop := startAPI(order)
	defer stop()

	send := func(key, item string) {
		host := transport.Of(api) // as a transport does
		req := host.NewRequest("example")
		req.Action, req.IdempotencyKey = "order", key
		req.Params.Set("item", item)
		out, err := host.Dispatch(context.Background(), req)
		answer, _ := transport.AppendOutput(nil, req, out)
		fmt.Println(string(answer), err)
	}
	send("8e03978e", "tea")
	send("8e03978e", "tea")
	send("93b2b1a1", "tea")
	send("93b2b1a1", "coffee")
	send("", "tea")
	// Output:
	// "number":1 <nil>
	// "number":1 <nil>
	// "number":2 <nil>
	//  this idempotency key was used with other inputs: send a new key with each operation
	//  an idempotency key is required for this action: send a new one with each operation, and the same one to try again
}
