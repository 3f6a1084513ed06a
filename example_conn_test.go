package actionhero_test

import (
	"context"
	"fmt"
	"net/netip"
	"net/textproto"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// user is who a connection belongs to. Clients cannot read it.
var user actionhero.ConnValue[string]

var sessions = map[string]string{"s-17": "ann"}

// The app decides which clients may connect, keeps what it knows of them, and hears when they go.
func ExampleConnMiddleware() {
	api, stop := startAPI(actionhero.ConnMiddleware{
		Connect: func(_ context.Context, c *actionhero.Conn, h *actionhero.Handshake) error {
			name, ok := sessions[h.Cookie("session")]
			if !ok {
				return actionhero.Errorf(actionhero.CodeUnauthenticated, "log in first")
			}
			user.Set(c, name)
			return nil
		},
		Connected: func(ctx context.Context, c *actionhero.Conn) {
			name, _ := user.Get(c)
			_ = c.API().Rooms.Join(ctx, c, "user:"+name) // each device of ann is in user:ann
		},
		Disconnect: func(_ context.Context, c *actionhero.Conn, reason string) {
			name, _ := user.Get(c)
			fmt.Printf("%s has gone: %q\n", name, reason)
		},
	})
	defer stop()
	ctx := context.Background()

	host := transport.Of(api) // the rest is what a transport does
	for _, cookie := range []string{"session=guess", "theme=dark; session=s-17"} {
		c := host.Connect("websocket", netip.MustParseAddrPort("192.0.2.1:4711"), screen("the page"))
		hello := &actionhero.Handshake{Header: textproto.MIMEHeader{"Cookie": {cookie}}}
		if err := host.Accept(ctx, c, hello); err != nil {
			fmt.Println("refused:", err)
			continue
		}
		host.Connected(ctx, c)
		_ = api.Rooms.Broadcast(ctx, "user:ann", "you have mail")
		c.Close("the session has ended")
		host.Disconnect(c)
		host.Disconnected(c)
	}
	// Output:
	// refused: log in first
	// the page reads in "user:ann": "you have mail"
	// the page is closed: the session has ended
	// ann has gone: "the session has ended"
}
