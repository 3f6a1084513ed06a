package actionhero_test

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero"
)

// An event has a name, the type of its values, and its rooms.
func ExampleEvent() {
	type Order struct {
		ID    int64  `json:"id"`
		State string `json:"state"`
	}
	orderChanged := actionhero.Event[Order]{Name: "orderChanged", Room: "order:{id}", Description: "The state of an order has changed."}

	api, stop := startAPI(orderChanged)
	defer stop()
	connectTo(api, "order:7", "ann")

	fmt.Println(orderChanged.Publish(context.Background(), api, "order:7", Order{7, "paid"}))
	fmt.Println(orderChanged.Publish(context.Background(), api, "orders", Order{8, "new"}))
	// Output:
	// ann reads in "order:7": {"event":"orderChanged","data":{"id":7,"state":"paid"}}
	// <nil>
	// event "orderChanged" is not for the room "orders", but for order:{id}
}
