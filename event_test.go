package actionhero_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
)

type ticketEvent struct {
	ID   int64        `json:"id" doc:"of the ticket"`
	Next *ticketEvent `json:"next"`
	Tags []string     `json:"tags"`
}

var (
	ticketChanged = actionhero.Event[ticketEvent]{Name: "ticketChanged", Room: "ticket:{id}", Description: "A ticket has changed."}
	lobbyText     = actionhero.Event[string]{Name: "lobbyText", Room: "lobby"}
)

func TestTheMembersOfARoomReadAnEventWithItsNameAndValue(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1}, ticketChanged, lobbyText)
	_, seven := connect(t, api, "ticket:7")
	_, eight := connect(t, api, "ticket:8")
	_, lobby := connect(t, api, "lobby")
	ctx := t.Context()
	steps(t, ticketChanged.Publish(ctx, api, "ticket:7", ticketEvent{ID: 7}), lobbyText.Publish(ctx, api, "", "hi"), lobbyText.Publish(ctx, api, "lobby", "<again>"))
	if got, want := seven.take(), []string{`{"event":"ticketChanged","data":{"id":7,"next":null,"tags":[]}} from actionHero API`}; !cmp.Equal(got, want) {
		t.Errorf("ticket 7: %q", got)
	}
	if got := eight.take(); got != nil {
		t.Errorf("ticket 8: %q", got)
	}
	if got, want := lobby.take(), []string{`{"event":"lobbyText","data":"hi"} from actionHero API`, `{"event":"lobbyText","data":"<again>"} from actionHero API`}; !cmp.Equal(got, want) {
		t.Errorf("lobby: %q", got)
	}
}

// A text that looks like an event is a text, so the members can tell the two apart.
func TestAClientCannotSayAnEvent(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1}, lobbyText)
	_, hears := connect(t, api, "lobby")
	c, _ := connect(t, api, "lobby")
	steps(t, api.Rooms.Say(t.Context(), c, "lobby", `{"event":"lobbyText","data":"hi"}`))
	if got, want := hears.take(), []string{`"{\"event\":\"lobbyText\",\"data\":\"hi\"}" from ` + c.ID}; !cmp.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestAnEventReachesOnlyTheRoomsThatItDeclares(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, ticketChanged, lobbyText)
	ctx := t.Context()
	for room, want := range map[string]string{
		"ticket:":                            `event "ticketChanged" is not for the room "ticket:", but for ticket:{id}`,
		"lobby":                              `event "ticketChanged" is not for the room "lobby", but for ticket:{id}`,
		"Xticket:7":                          `event "ticketChanged" is not for the room "Xticket:7", but for ticket:{id}`,
		"":                                   "room must be a name of 1 to 128 bytes",
		"ticket:\xff":                        "room must be a name of 1 to 128 bytes",
		"ticket:" + strings.Repeat("7", 122): "room must be a name of 1 to 128 bytes",
	} {
		if err := ticketChanged.Publish(ctx, api, room, ticketEvent{}); err == nil || err.Error() != want {
			t.Errorf("%q: %v", room, err)
		}
	}
	if err := lobbyText.Publish(ctx, api, "lobby2", ""); err == nil {
		t.Error("an event of one room reaches another")
	}
	for _, err := range []error{
		actionhero.Event[string]{Name: "other", Room: "lobby"}.Publish(ctx, api, "lobby", ""),
		actionhero.Event[int]{Name: "lobbyText", Room: "lobby"}.Publish(ctx, api, "lobby", 1),
	} {
		if err == nil || !strings.Contains(err.Error(), "is not registered: list it with the parts of the app") {
			t.Errorf("an event that is not registered: %v", err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_ = lobbyText.Publish(ended, api, "", "must not panic")
}

func TestAPatternOfRoomsMatchesEachNonEmptyName(t *testing.T) {
	t.Parallel()
	for pattern, rooms := range map[string]map[string]bool{
		"{room}":        {"a": true, "ticket:7": true},
		"a:{b}:c":       {"a:x:c": true, "a::c": false, "a:c": false, "a:x:y:c": true, "a:x": false, "a:x:cc": false, "a:ü:c": true},
		"{a}-{b}":       {"x-y": true, "-y": false, "x-": false, "--y": true, "-": false, "---": true, "x--": true},
		"o{a}xx{b}xx":   {"o1xx2xx": true, "oxxxxx": false, "oxxx2xx": true, "o1xxxx": false, "o1xxxxx": true},
		"{a}:{b}:{c}!":  {"1:2:3!": true, ":::::!": true, "::!": false, "1:2:!": false},
		"ticket:{id_2}": {"ticket:7:log": true, "ticket": false},
	} {
		event := actionhero.Event[int]{Name: "e", Room: pattern}
		api := newAPI(t, actionhero.Config{}, event)
		for room, want := range rooms {
			if err := event.Publish(t.Context(), api, room, 1); (err == nil) != want {
				t.Errorf("%s and %q: %v", pattern, room, err)
			}
		}
	}
}

func TestAWrongEventIsRefused(t *testing.T) {
	t.Parallel()
	const form = `: write it like "lobby" or "ticket:{id}"`
	for want, parts := range map[string]actionhero.Parts{
		`an event of int has no name: set Name`:                                               {actionhero.Event[int]{Room: "a"}},
		`event name "a b" is not allowed: use 1 to 64 letters, digits and _ . : -`:            {actionhero.Event[int]{Name: "a b", Room: "a"}},
		`two events are named "a": rename one, or register it once`:                           {actionhero.Event[int]{Name: "a", Room: "a"}, actionhero.Event[string]{Name: "a", Room: "b"}},
		`event "a": its Room "" is not a name of 1 to 128 bytes` + form:                       {actionhero.Event[int]{Name: "a"}},
		`event "a": its Room "b{}" has {}, whose name is not of letters, digits and _` + form: {actionhero.Event[int]{Name: "a", Room: "b{}"}},
		`event "a": its Room "{b}-{b}" has {b} twice` + form:                                  {actionhero.Event[int]{Name: "a", Room: "{b}-{b}"}},
		`event "a": its Room "{b}{c}" has {c} right after another name` + form:                {actionhero.Event[int]{Name: "a", Room: "{b}{c}"}},
		`event "a": its Room "b:*" has one of { } * outside a {name}` + form:                  {actionhero.Event[int]{Name: "a", Room: "b:*"}},
		`event "a": its Room "b}" has one of { } * outside a {name}` + form:                   {actionhero.Event[int]{Name: "a", Room: "b}"}},
	} {
		if err := newAPI(t, actionhero.Config{}).Register(parts); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	err := newAPI(t, actionhero.Config{}).Register(actionhero.Event[struct{ C chan int }]{Name: "a", Room: "a"})
	if err == nil || !strings.HasPrefix(err.Error(), `event "a": its values do not encode as JSON: `) || !strings.Contains(err.Error(), "chan") {
		t.Errorf("a value with a channel: %v", err)
	}
}

func TestTheDescriptionHasTheEventsWithTheirSchemas(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, lobbyText, ticketChanged, actionhero.Event[*int8]{Name: "z", Room: "z:{a}:{b}"}, actionhero.Event[any]{Name: "y", Room: "y"})
	events := api.Describe().Events
	want := [][]string{
		{"lobbyText", "lobby", `{"type":"string"}`},
		{"ticketChanged", "ticket:{id}", `{"$ref":"#/$defs/ticketEvent","$defs":{"ticketEvent":{"type":"object","properties":{"id":{"type":"integer","format":"int64","description":"of the ticket"},` +
			`"next":{"anyOf":[{"$ref":"#/$defs/ticketEvent"},{"type":"null"}]},"tags":{"type":"array","items":{"type":"string"}}},"required":["id","next","tags"]}}}`},
		{"y", "y", `{}`},
		{"z", "z:{a}:{b}", `{"anyOf":[{"type":"integer","minimum":-128,"maximum":127},{"type":"null"}]}`},
	}
	for i, e := range events {
		if got := []string{e.Name, e.Room, string(e.Schema)}; !cmp.Equal(got, want[i]) || !json.Valid(e.Schema) {
			t.Errorf("%q\nwant %q", got, want[i])
		}
	}
	if len(events) != len(want) || events[1].Description != "A ticket has changed." || events[1].Type().Name() != "ticketEvent" || !slices.Equal(events[3].Params, []string{"a", "b"}) {
		t.Errorf("%+v", events)
	}
}

func TestACallerReadsOfTheEventsWhoseRoomsItMayEnter(t *testing.T) {
	t.Parallel()
	agents := actionhero.Event[int]{Name: "agents", Room: "agents"}
	events := actionhero.Parts{ticketChanged, lobbyText, agents, actionhero.DefaultAccess(actionhero.Authenticated)}
	own := actionhero.RoomMiddleware{Join: func(context.Context, *actionhero.Conn, string) error { return nil }}
	for _, c := range []struct {
		what         string
		parts        actionhero.Part
		anyone, user string
	}{
		{"open rooms", actionhero.Parts{}, "agents lobbyText ticketChanged", "agents lobbyText ticketChanged"},
		{"a rule for all rooms", actionhero.RoomAccess(actionhero.Access{}, "*"), "", "agents lobbyText ticketChanged"},
		{"rules for some", actionhero.Parts{actionhero.RoomAccess(actionhero.Roles("agent"), "agents"), actionhero.RoomAccess(actionhero.Authenticated, "tick*")}, "lobbyText", "lobbyText ticketChanged"},
		{"a rule for one ticket", actionhero.RoomAccess(actionhero.Roles("agent"), "ticket:7", "ticket:7*"), "agents lobbyText ticketChanged", "agents lobbyText ticketChanged"},
		{"rules of the app itself", own, "", "agents lobbyText ticketChanged"},
		{"both", actionhero.Parts{own, actionhero.RoomAccess(actionhero.Public, "lobby")}, "lobbyText", "agents lobbyText ticketChanged"},
	} {
		d := newAPI(t, actionhero.Config{}, events, c.parts).Describe()
		for who, want := range map[*actionhero.Identity]string{{}: c.anyone, {ID: "u"}: c.user} {
			var names []string
			for _, e := range d.For(*who, actionhero.TransportTCP).Events {
				names = append(names, e.Name)
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%s, %q: %s", c.what, who.ID, got)
			}
		}
		if n := len(d.For(actionhero.Identity{ID: "u", Roles: []string{"agent"}}, actionhero.TransportWeb).Events); n != 0 {
			t.Errorf("%s: %d events over HTTP", c.what, n)
		}
	}
}
