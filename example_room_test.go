package actionhero_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// screen is the client of an example: it prints the messages that it receives, after its name.
type screen string

func (s screen) Deliver(m *actionhero.RoomMessage) (flush bool) {
	if !strings.Contains(string(m.Body), "I have ") { // a notice of a member that enters or leaves
		fmt.Printf("%s reads in %q: %s\n", string(s), m.Room, m.Body)
	}
	return false
}

func (s screen) Flush() {}

func (s screen) Close(reason string) { fmt.Println(string(s), "is closed:", reason) }

// connectTo connects a client to a room, as a WebSocket, Socket.IO or TCP client does. An action finds it as Request.Conn.
func connectTo(api *actionhero.API, room, name string) *actionhero.Conn {
	c := transport.Of(api).Connect("websocket", netip.MustParseAddrPort("192.0.2.1:4711"), screen(name))
	if err := api.Rooms.Move(context.Background(), c, room); err != nil {
		panic(err)
	}
	return c
}

// Any part of the app can send a message to all members of a room, on every node of the cluster.
func ExampleRooms_Broadcast() {
	api, stop := startAPI()
	defer stop()
	connectTo(api, "orders", "ann")
	connectTo(api, "lobby", "bob")

	err := api.Rooms.Broadcast(context.Background(), "orders", map[string]any{"order": 7, "state": "paid"})
	fmt.Println(err)
	// Output:
	// ann reads in "orders": {"order":7,"state":"paid"}
	// <nil>
}

// BroadcastNode sends one object to all clients of this node, in a room or not.
func ExampleRooms_BroadcastNode() {
	api, stop := startAPI()
	defer stop()
	connectTo(api, "lobby", "ann")

	clients, err := api.Rooms.BroadcastNode(context.Background(), map[string]string{"notice": "We restart at noon."})
	fmt.Println(clients, err)
	// Output:
	// ann reads in "": {"notice":"We restart at noon."}
	// 1 <nil>
}

// SendTo sends a message to one client of this node by its id.
func ExampleRooms_SendTo() {
	api, stop := startAPI()
	defer stop()
	ann := connectTo(api, "lobby", "ann")

	fmt.Println(api.Rooms.SendTo(context.Background(), ann.ID, "your export is ready"))
	err := api.Rooms.SendTo(context.Background(), "another id", "hello")
	fmt.Println(actionhero.AsError(err).Code)
	// Output:
	// ann reads in "": "your export is ready"
	// <nil>
	// notFound
}

// Say sends a text from one client to the other members of its current room, or of a room with a name.
func ExampleRooms_Say() {
	api, stop := startAPI()
	defer stop()
	ann := connectTo(api, "kitchen", "ann")
	connectTo(api, "kitchen", "bob")
	connectTo(api, "garden", "eve")
	ctx := context.Background()

	fmt.Println(api.Rooms.Say(ctx, ann, "", "dinner is ready"))
	fmt.Println(api.Rooms.Say(ctx, ann, "garden", "come in"))
	// Output:
	// bob reads in "kitchen": "dinner is ready"
	// <nil>
	// eve reads in "garden": "come in"
	// <nil>
}

// A client has one current room, which Move changes, and may join further ones.
func ExampleRooms_Join() {
	api, stop := startAPI()
	defer stop()
	ann := connectTo(api, "lobby", "ann")
	ctx := context.Background()

	fmt.Println(api.Rooms.Join(ctx, ann, "news"), ann.Room(), ann.Rooms())
	fmt.Println(api.Rooms.Move(ctx, ann, "kitchen"), ann.Room(), ann.Rooms())
	fmt.Println(api.Rooms.Leave(ctx, ann, "news"), ann.Room(), ann.Rooms())
	// Output:
	// <nil> lobby [lobby news]
	// <nil> kitchen [kitchen news]
	// <nil> kitchen [kitchen]
}

// The details of a connection are public: Members returns them.
func ExampleConn_SetDetail() {
	api, stop := startAPI()
	defer stop()
	ann := connectTo(api, "lobby", "ann") // in an action: actionhero.RequestFrom(ctx).Conn
	if err := ann.SetDetail("name", "Ann"); err != nil {
		fmt.Println(err)
	}

	members, err := api.Rooms.Members(context.Background(), "lobby")
	for _, m := range members {
		fmt.Println(m.ID == ann.ID, m.Details["name"])
	}
	fmt.Println(err)
	// Output:
	// true Ann
	// <nil>
}

// A RoomMiddleware is a part of the app. This one closes the staff room to clients without the detail "staff", and keeps
// what is said in all rooms polite.
func ExampleRoomMiddleware() {
	rules := actionhero.RoomMiddleware{
		Join: func(_ context.Context, c *actionhero.Conn, room string) error {
			if room == "staff" && c.Detail("staff") != true {
				return actionhero.Errorf(actionhero.CodePermissionDenied, "this room is for staff")
			}
			return nil
		},
		Say: func(_ context.Context, _ *actionhero.Conn, _, text string) (string, error) {
			return strings.ReplaceAll(text, "darn", "****"), nil
		},
	}
	api, stop := startAPI(rules)
	defer stop()
	ann := connectTo(api, "lobby", "ann")
	connectTo(api, "lobby", "bob")

	fmt.Println(api.Rooms.Move(context.Background(), ann, "staff"))
	fmt.Println(api.Rooms.Say(context.Background(), ann, "", "darn, they are out of coffee"))
	// Output:
	// this room is for staff
	// bob reads in "lobby": "****, they are out of coffee"
	// <nil>
}
