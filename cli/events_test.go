package cli_test

import (
	"testing"

	"github.com/actionhero-go/actionhero"
)

func TestTheCommandEventsListsEventsWithTheirRooms(t *testing.T) {
	t.Parallel()
	parts := actionhero.Parts{
		actionhero.Event[string]{Name: "said", Room: "lobby"},
		actionhero.Event[int]{Name: "ticketChanged", Room: "ticket:{id}", Description: "A ticket has changed"},
		actionhero.RoomAccess(actionhero.Roles("agent"), "ticket:*"), actionhero.RoomAccess(actionhero.Scopes("read"), "ticket*"),
	}
	for _, c := range []struct {
		parts actionhero.Parts
		args  []string
		want  string
	}{
		{nil, []string{"events"}, "The app declares no events.\n"},
		{nil, []string{"events", "--json"}, "[]\n"},
		{parts, []string{"events"}, "EVENT          ROOM         ACCESS                      DESCRIPTION\n" +
			"said           lobby        public\n" +
			"ticketChanged  ticket:{id}  roles: agent; scopes: read  A ticket has changed\n"},
		{parts[:1], []string{"events", "--json"}, "[\n  {\n    \"name\": \"said\",\n    \"room\": \"lobby\",\n    \"access\": [\n      \"public\"\n    ],\n" +
			"    \"description\": \"\",\n    \"schema\": {\n      \"type\": \"string\"\n    }\n  }\n]\n"},
	} {
		if out, errs, code := run(t, inMemory, c.parts, c.args...); out != c.want || code != 0 {
			t.Errorf("%v: exit code %d, %s\n%s\nwant\n%s", c.args, code, errs, out, c.want)
		}
	}
}
