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

// event is what a room reads.
type event struct {
	Event string `json:"event"`
	Data  any    `json:"data"`
}

// announce tells a room of a change that is stored. A client that misses it reads the ticket again, so a failure is logged
// and is none of the action.
func (d *desk) announce(ctx context.Context, room, name string, data any) {
	if err := d.api.Rooms.Broadcast(ctx, room, event{name, data}); err != nil {
		actionhero.Log(ctx).Warn("a room was not told", "room", room, "event", name, "error", err)
	}
}
