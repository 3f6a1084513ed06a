package transport_test

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// lineSender is the Sender of one client. Its queue is a channel, which a goroutine of the transport writes to the network.
type lineSender struct {
	queue  chan []byte
	closed chan string
}

// wireOfLines identifies the form of the messages for transport.Encoded.
type wireOfLines struct{}

// Deliver never blocks: a client whose queue is full is closed.
func (s *lineSender) Deliver(m *actionhero.RoomMessage) (flush bool) {
	line := transport.Encoded(m, wireOfLines{}, func(m *actionhero.RoomMessage) []byte {
		if transport.IsNotice(m) {
			return m.Body
		}
		return fmt.Appendf(nil, "%s says %s in %s", m.From, m.Body, m.Room)
	})
	select {
	case s.queue <- line:
	default:
		s.Close("you do not read your messages")
	}
	return false // the goroutine writes
}

func (s *lineSender) Flush() {}

func (s *lineSender) Close(reason string) {
	select {
	case s.closed <- reason: // the goroutine says goodbye and closes the connection
	default:
	}
}

// A persistent transport connects each client. All clients of this wire share the encoded form of a message.
func ExampleHost_Connect() {
	api, stop := start()
	defer stop()
	host := transport.Of(api)
	ctx := context.Background()

	sender := &lineSender{queue: make(chan []byte, 2), closed: make(chan string, 1)}
	conn := host.Connect("lines", netip.MustParseAddrPort("192.0.2.1:4711"), sender)
	defer host.Disconnect(conn)
	if err := api.Rooms.Move(ctx, conn, "lobby"); err != nil {
		fmt.Println(err)
	}

	for _, text := range []string{"hello", "is there any client?", "goodbye"} {
		if err := api.Rooms.Broadcast(ctx, "lobby", text); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Printf("%s\n%s\n%s\n", <-sender.queue, <-sender.queue, <-sender.closed)
	// Output:
	// actionHero API says "hello" in lobby
	// actionHero API says "is there any client?" in lobby
	// you do not read your messages
}

// Part carries a value that only the transport understands, such as a handler that web.Mount mounts.
func ExamplePart() {
	type route struct{ line, action string }
	api, stop := start(actionhero.Parts{transport.Part(route{"hi", "greet"}), transport.Part("for another transport")})
	defer stop()

	for _, part := range transport.Of(api).Parts() {
		if r, ok := part.(route); ok {
			fmt.Println(r.line, "calls", r.action)
		}
	}
	// Output: hi calls greet
}
