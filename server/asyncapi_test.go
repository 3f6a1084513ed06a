package server_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// asyncParts is an app whose callers send their role in a header.
func asyncParts() actionhero.Parts {
	named := func(name string, access actionhero.Access, transports ...string) actionhero.Part {
		return actionhero.Action[actionhero.None, actionhero.None]{
			Name: name, Access: access, Transports: transports,
			Run: func(context.Context, actionhero.None) (none actionhero.None, err error) { return none, nil },
		}
	}
	return actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			if role := c.Header("X-Role"); role != "" {
				return actionhero.Identity{ID: "u", Roles: []string{role}}, nil
			}
			return actionhero.Identity{}, nil
		}),
		actionhero.RoomAccess(actionhero.Roles("agent"), "agents", "ticket:*"),
		named("open", actionhero.Public), named("closed", actionhero.Roles("agent")),
		named("overTCP", actionhero.Public, actionhero.TransportTCP), named("overHTTP", actionhero.Public, actionhero.TransportWeb),
		actionhero.Event[string]{Name: "news", Room: "lobby"}, actionhero.Event[int]{Name: "secretTicket", Room: "ticket:{id}"},
	}
}

// operations returns the operations of the document that a caller with a role reads, without those of rooms and commands.
func operations(t *testing.T, s *testkit.Server, role string) string {
	t.Helper()
	c := s.HTTP(t)
	if role != "" {
		c.Headers = []string{"X-Role: " + role}
	}
	reply := c.Ask("GET", "/api/asyncapi.json", "")
	var doc struct {
		AsyncAPI   string
		Operations map[string]any
	}
	if err := json.Unmarshal([]byte(reply.Text), &doc); err != nil || reply.StatusCode != http.StatusOK || doc.AsyncAPI != "3.0.0" || reply.Header.Get("Etag") == "" {
		t.Fatalf("%d %v %s", reply.StatusCode, err, reply.Text)
	}
	if role == "" && strings.Contains(reply.Text, "ecret") {
		t.Errorf("anonymous reads of private things: %s", reply.Text)
	}
	own := []string{"open", "closed", "overTCP", "overHTTP", "event"}
	return strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(doc.Operations)), func(name string) bool {
		transport, action, _ := strings.Cut(name, "-")
		return !slices.Contains(own, action) && transport != "event"
	}), " ")
}

func TestTheDocumentOfAsyncAPIShowsWhatTheCallerMayCall(t *testing.T) {
	t.Parallel()
	const (
		anonymous = "event-news socketio-open tcp-open tcp-overTCP websocket-open"
		agent     = "event-news event-secretTicket socketio-closed socketio-open tcp-closed tcp-open tcp-overTCP websocket-closed websocket-open"
	)
	s := testkit.Start(t, testkit.Options{Parts: asyncParts()})
	for role, want := range map[string]string{"": anonymous, "user": anonymous, "agent": agent} {
		if got := operations(t, s, role); got != want {
			t.Errorf("%q reads %s", role, got)
		}
	}
	all := testkit.Start(t, testkit.Options{Parts: asyncParts(), Change: func(cfg *server.Config) { cfg.CommonWeb.OpenAPI = "all" }})
	if got := operations(t, all, "user"); got != agent {
		t.Errorf("with the setting all: %s", got)
	}
	off := testkit.Start(t, testkit.Options{Parts: asyncParts(), Change: func(cfg *server.Config) { cfg.CommonWeb.OpenAPI = "off" }})
	if r := off.HTTP(t).Ask("GET", "/api/asyncapi.json", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("with the setting off: %d", r.StatusCode)
	}
}
