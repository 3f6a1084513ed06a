package actionhero_test

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero"
)

// A NodeCall runs on the other nodes of a cluster. A process alone is a cluster of one node, so the same code works there.
func ExampleNodeCall() {
	type reloaded struct {
		Rules int `json:"rules"`
	}
	reload := actionhero.NodeCall[actionhero.None, reloaded]{Name: "reload", Run: func(context.Context, actionhero.None) (reloaded, error) {
		return reloaded{Rules: 12}, nil // reads a file again
	}}
	api, stop := startAPI(reload) // each node lists reload among its parts
	defer stop()

	answers, err := reload.CallAll(context.Background(), api, actionhero.None{})
	for _, answer := range answers {
		fmt.Println(answer.Out, answer.Err)
	}
	fmt.Println(err)
	// Output:
	// {12} <nil>
	// <nil>
}

// Conns reaches a connection by its id, on whichever node of the cluster it is.
func ExampleConns() {
	api, stop := startAPI()
	defer stop()
	ann := connectTo(api, "lobby", "ann")

	fmt.Println(api.Conns.Move(context.Background(), ann.ID, "orders"), ann.Room())
	fmt.Println(api.Conns.Close(context.Background(), ann.ID, "signed in elsewhere"))
	fmt.Println(api.Conns.Close(context.Background(), "no such id", ""))
	// Output:
	// <nil> orders
	// ann is closed: signed in elsewhere
	// <nil>
	// no client with the id "no such id" is connected
}

// List has the connections of all nodes, and Rooms.List the rooms that they are in.
func ExampleConns_List() {
	api, stop := startAPI()
	defer stop()
	connectTo(api, "lobby", "ann")
	connectTo(api, "orders", "bob")

	list, err := api.Conns.List(context.Background(), actionhero.ConnFilter{Room: "lobby"})
	fmt.Println(list.Total, list.Conns[0].Room, err)
	rooms, err := api.Rooms.List(context.Background(), actionhero.RoomFilter{Prefix: "or"})
	fmt.Println(rooms.Rooms, rooms.More, err)
	// Output:
	// 1 lobby <nil>
	// [{orders 1}] false <nil>
}
