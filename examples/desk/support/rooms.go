package support

import (
	"context"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// agentsRoom is the room in which agents read of new and overdue tickets.
const agentsRoom = "agents"

// roomOf returns the name of the room of a ticket.
func roomOf(ticket int64) string { return "ticket:" + strconv.FormatInt(ticket, 10) }

// roomRules lets clients into the rooms of the tickets that they may see, and into no other room. Clients do not speak in
// rooms: all texts are answers, which are stored.
func (d *desk) roomRules() actionhero.RoomMiddleware {
	return actionhero.RoomMiddleware{
		Join: func(ctx context.Context, c *actionhero.Conn, room string) error {
			who := c.Identity()
			refused := actionhero.Errorf(actionhero.CodePermissionDenied, "the room %s is not for you", room)
			if !who.Known() || !who.HasScope("tickets:read") {
				return refused
			}
			if room == agentsRoom && isAgent(who) {
				return nil
			}
			number, isTicket := strings.CutPrefix(room, "ticket:")
			id, err := strconv.ParseInt(number, 10, 64)
			if !isTicket || err != nil || room != roomOf(id) {
				return refused
			}
			_, err = find(ctx, d.db.Get(), who, id)
			return err
		},
		Say: func(context.Context, *actionhero.Conn, string, string) (string, error) {
			return "", actionhero.Errorf(actionhero.CodePermissionDenied, "answer with the action ticketAnswer")
		},
	}
}

// The events of the rooms. A client that misses one reads the ticket again.
var (
	Opened  = actionhero.Event[Ticket]{Name: "opened", Room: agentsRoom, Description: "A customer has opened a ticket."}
	Overdue = actionhero.Event[Ticket]{Name: "overdue", Room: agentsRoom, Description: "A ticket waits for too long."}

	Assigned     = ticketEvent[Ticket]("assigned", "A ticket has another agent, or none.")
	Closed       = ticketEvent[Ticket]("closed", "A ticket is closed.")
	Participants = ticketEvent[Ticket]("participants", "A user takes part in a ticket, or does not any more.")
	Answered     = ticketEvent[Answer]("answer", "A ticket has a new answer.")
	Attached     = ticketEvent[File]("file", "A ticket has a new attachment.")
)

func ticketEvent[T any](name, description string) actionhero.Event[T] {
	return actionhero.Event[T]{Name: name, Room: "ticket:{id}", Description: description}
}

// announce publishes a change that is stored. A failure is logged and is none of the action.
func announce[T any](ctx context.Context, d *desk, event actionhero.Event[T], room string, value T) {
	if err := event.Publish(ctx, d.api, room, value); err != nil {
		actionhero.Log(ctx).Warn("a room was not told", "room", room, "event", event.Name, "error", err)
	}
}
