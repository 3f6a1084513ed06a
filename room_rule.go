package actionhero

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// RoomAccess returns a [Part] with the rule that says who may enter rooms, speak in them and see their members, on every
// transport. Each of rooms is the name of a room, or the beginning of names with "*" behind it: "ticket:*", or "*" for
// all rooms. If several rules name a room, all of them must let the client in. The zero Access is the rule of
// [DefaultAccess]. A rule with an [Allow] needs the input of an action, and is refused: write a [RoomMiddleware].
//
// A client whose identity changes leaves the rooms whose rules refuse it. A room without a rule, also the default room, is
// open to every client. Rules do not apply to messages of the server, such as those of [Rooms.Broadcast].
func RoomAccess(rule Access, rooms ...string) Part { return roomAccess{rule, rooms} }

type roomAccess struct {
	rule  Access
	rooms []string
}

func (a roomAccess) register(r *registry) error {
	if len(a.rooms) == 0 {
		return errors.New(`a RoomAccess has no rooms: name them, or give "*" for all`)
	}
	for _, name := range a.rooms {
		if name == "" || strings.Contains(strings.TrimSuffix(name, "*"), "*") {
			return fmt.Errorf(`a RoomAccess has the room %q: use the name of a room, or the beginning of names with "*" at its end`, name)
		}
	}
	if err := checkRule(&a.rule); err != nil {
		return fmt.Errorf("the RoomAccess of %s is wrong: %w", strings.Join(a.rooms, ", "), err)
	}
	r.rooms.add(RoomMiddleware{Join: a.join})
	r.roomRules = append(r.roomRules, a)
	return nil
}

// checkRule returns an error if the rule cannot be checked without the input of an action.
func checkRule(rule *Access) error {
	if len(rule.allows) > 0 {
		return errors.New("its Access has an Allow, which needs the input of an action: use Public, Authenticated, Roles or Scopes, or ask in a function of your own")
	}
	return rule.check(nil)
}

func (a roomAccess) concerns(room string) bool {
	for _, name := range a.rooms {
		if beginning, ok := strings.CutSuffix(name, "*"); room == name || ok && strings.HasPrefix(room, beginning) {
			return true
		}
	}
	return false
}

func (a roomAccess) join(ctx context.Context, c *Conn, room string) error {
	if !a.concerns(room) {
		return nil
	}
	if c.ID == WebSender {
		if req := RequestFrom(ctx); req == nil || req.isTrusted() {
			return nil // code of the app speaks
		}
	}
	rule := c.api.registry.Load().access(&a.rule)
	if rule.level != levelKnown {
		return nil
	}
	stored := c.identity.Load()
	switch who := stored.current(); {
	case who.Known():
		return rule.refuseKnown(&who)
	case stored != nil && stored.Known():
		return errExpired
	}
	return errNotAuthenticated
}
