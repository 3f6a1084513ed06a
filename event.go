package actionhero

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Event is the declaration of typed messages to rooms. It is a [Part]: list it with the actions and tasks of the app.
//
//	var TicketChanged = actionhero.Event[Ticket]{Name: "ticketChanged", Room: "ticket:{id}"}
//
//	err := TicketChanged.Publish(ctx, api, "ticket:7", ticket)
//
// T is the type of the values: any type that encodes as JSON. The members of the room read an ordinary message of the
// server, as from [Rooms.Broadcast]. Its text is an object with the name of the event and the value. A client cannot send
// this message, because a client sends text only:
//
//	{"message":{"event":"ticketChanged","data":{"id":7}},"from":"actionHero API","context":"user"}
//
// [API.Describe] describes the events, for documents and for generators of clients.
type Event[T any] struct {
	Name        string // 1 to 64 letters, digits and _ . : -; required
	Room        string // the room, or a pattern of rooms such as "ticket:{id}", where {id} stands for one character or more; required
	Description string // one sentence for people; default: none
}

// EventInfo describes a registered [Event]. [API.Describe] returns one EventInfo for each event.
type EventInfo struct {
	Name, Description string
	Room              string   // as in Event
	Params            []string // the names in the braces of Room, in order
	Schema            []byte   // the JSON Schema (2020-12) of the values
	Access            []Access // the rules of the rooms; all of them must let a client in; empty: each client may enter

	t reflect.Type
}

// Type returns the Go type of the values, for generators of documents and clients.
func (i *EventInfo) Type() reflect.Type { return i.t }

// Allows reports whether who may enter the rooms of the event, as far as their rules say it.
func (i *EventInfo) Allows(who Identity) bool {
	return !slices.ContainsFunc(i.Access, func(rule Access) bool { return !rule.Allows(who) })
}

// event is a registered [Event] without its type parameter.
type event struct {
	name, description string
	rooms             roomPattern
	t                 reflect.Type
	schema            func() []byte // of the values; written when something describes the app for the first time
}

// eventMessage is the text of the message of an event.
type eventMessage[T any] struct {
	Event string `json:"event"`
	Data  T      `json:"data"`
}

func (e Event[T]) register(r *registry) error {
	t := reflect.TypeFor[T]()
	switch {
	case e.Name == "":
		return fmt.Errorf("an event of %v has no name: set Name", t)
	case !actionName.MatchString(e.Name):
		return fmt.Errorf("event name %q is not allowed: use 1 to 64 letters, digits and _ . : -", e.Name)
	case r.events[e.Name] != nil:
		return fmt.Errorf("two events are named %q: rename one, or register it once", e.Name)
	}
	rooms, err := parseRoomPattern(e.Room)
	if err != nil {
		return fmt.Errorf("event %q: %w", e.Name, err)
	}
	if err := encode.Check(reflect.TypeFor[eventMessage[T]]()); err != nil {
		return fmt.Errorf("event %q: its values do not encode as JSON: %w", e.Name, err)
	}
	r.events[e.Name] = &event{name: e.Name, description: e.Description, rooms: rooms, t: t, schema: sync.OnceValue(func() []byte { return schema.ValueSchema(t) })}
	return nil
}

// Publish sends the value to every member of the room in the cluster. The room must be one of Event.Room. If Event.Room is
// one room, an empty room stands for it. If the room has no members, Publish returns nil.
//
// If the event is not registered, the room is another one, or the value does not encode, Publish sends nothing and returns
// an error without a code, which clients read as an internal one. The other errors are those of [Rooms.Broadcast].
func (e Event[T]) Publish(ctx context.Context, api *API, room string, value T) error {
	registered := api.registry.Load().events[e.Name]
	if registered == nil || registered.t != reflect.TypeFor[T]() {
		return fmt.Errorf("event %q of %v is not registered: list it with the parts of the app", e.Name, reflect.TypeFor[T]())
	}
	if room == "" && len(registered.rooms.names) == 0 {
		room = registered.rooms.text
	}
	if err := checkRoomName(room); err != nil {
		return err
	}
	if !registered.rooms.matches(room) {
		return fmt.Errorf("event %q is not for the room %q, but for %s", e.Name, room, registered.rooms.text)
	}
	return api.Rooms.publish(ctx, room, "", eventMessage[T]{e.Name, value})
}

// describeEvents returns descriptions of all registered events, sorted by name.
func (r *registry) describeEvents() []EventInfo {
	infos := make([]EventInfo, 0, len(r.events))
	for _, name := range slices.Sorted(maps.Keys(r.events)) {
		e := r.events[name]
		infos = append(infos, EventInfo{
			Name: e.name, Description: e.description, Room: e.rooms.text, Params: slices.Clone(e.rooms.names),
			Schema: e.schema(), Access: r.eventAccess(e), t: e.t,
		})
	}
	return infos
}

// eventAccess returns the rules of all rooms of an event. A [RoomMiddleware] of the app may have rules of which this package
// does not know; then the default rule of the app stands for them, so that documents show strangers nothing by mistake.
func (r *registry) eventAccess(e *event) (rules []Access) {
	for _, a := range r.roomRules {
		if a.concernsAll(e.rooms) {
			rules = append(rules, *r.access(&a.rule))
		}
	}
	if len(rules) == 0 && len(r.rooms.join) > len(r.roomRules) {
		rules = append(rules, *r.access(&Access{}))
	}
	return rules
}

// concernsAll reports whether the rule holds for each room of a pattern.
func (a roomAccess) concernsAll(rooms roomPattern) bool {
	if len(rooms.names) == 0 {
		return a.concerns(rooms.text)
	}
	return slices.ContainsFunc(a.rooms, func(name string) bool { return isPrefixOf(name, rooms.literals[0]) })
}
