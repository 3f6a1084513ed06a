package actionhero_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
)

type described struct {
	Name  string `json:"name" required:"true" maxLength:"10" doc:"who"`
	Token string `json:"token" secret:"true" default:"hunter2"`
}

type describedOut struct {
	ID   int64         `json:"id"`
	Next *describedOut `json:"next"`
}

func describedAction(name string, access actionhero.Access) actionhero.Action[described, describedOut] {
	return actionhero.Action[described, describedOut]{
		Name: name, Description: "does it", Kind: actionhero.KindRead, Access: access,
		Run: func(context.Context, described) (describedOut, error) { return describedOut{}, nil },
	}
}

func namesOf(d actionhero.Description) string {
	var names []string
	for _, info := range d.Actions {
		names = append(names, info.Name)
	}
	return strings.Join(names, " ")
}

func TestTheDescriptionSaysWhatACallerMayCallOverATransport(t *testing.T) {
	t.Parallel()
	socket := describedAction("socket", actionhero.Public)
	socket.Transports = []string{actionhero.TransportWebSocket}
	api := newAPI(t, actionhero.Config{}, actionhero.DefaultAccess(actionhero.Authenticated), socket,
		describedAction("open", actionhero.Public), describedAction("known", actionhero.Access{}), describedAction("scoped", actionhero.Scopes("s")),
		describedAction("staff", actionhero.Roles("agent", "admin").And(actionhero.Scopes("s"))),
		describedAction("ruled", actionhero.Allow(func(context.Context, actionhero.Identity, described) error { return nil })))
	d := api.Describe()
	if got := namesOf(d); got != "known open ruled scoped socket staff" {
		t.Errorf("all: %s", got)
	}
	expired := time.Now().Add(-time.Second)
	for _, c := range []struct {
		who       actionhero.Identity
		transport string
		want      string
	}{
		{actionhero.Identity{}, actionhero.TransportWeb, "open ruled"},
		{actionhero.Identity{}, actionhero.TransportWebSocket, "open ruled socket"},
		{actionhero.Identity{}, "", "open ruled socket"},
		{actionhero.Identity{ID: "u"}, actionhero.TransportWeb, "known open ruled"},
		{actionhero.Identity{ID: "u", Scopes: []string{"*"}}, actionhero.TransportWeb, "known open ruled scoped"},
		{actionhero.Identity{ID: "u", Roles: []string{"admin"}}, actionhero.TransportWeb, "known open ruled"},
		{actionhero.Identity{ID: "u", Roles: []string{"admin"}, Scopes: []string{"s"}}, actionhero.TransportWeb, "known open ruled scoped staff"},
		{actionhero.Identity{ID: "u", Scopes: []string{"*"}, ExpiresAt: expired}, actionhero.TransportWeb, "open ruled"},
	} {
		if got := namesOf(d.For(c.who, c.transport)); got != c.want {
			t.Errorf("%+v over %q: %s, want %s", c.who, c.transport, got, c.want)
		}
	}
	if got := namesOf(d); got != "known open ruled scoped socket staff" {
		t.Errorf("For has changed the description: %s", got)
	}
}

// The rule that the description applies is the one that Dispatch enforces.
func TestTheDescriptionAndTheCallAgreeAboutAccess(t *testing.T) {
	t.Parallel()
	rules := []actionhero.Access{
		actionhero.Public, actionhero.Authenticated, actionhero.Roles("a"), actionhero.Scopes("s"),
		actionhero.Roles("a", "b").And(actionhero.Roles("c")), actionhero.Scopes("s").And(actionhero.Public), {},
	}
	callers := []actionhero.Identity{
		{}, {ID: "u"}, {ID: "u", Roles: []string{"a"}}, {ID: "u", Scopes: []string{"s"}}, {ID: "u", Scopes: []string{"*"}},
		{ID: "u", Roles: []string{"b", "c"}}, {Roles: []string{"a"}, Scopes: []string{"s"}},
		{ID: "u", Roles: []string{"a", "c"}, Scopes: []string{"*"}, ExpiresAt: time.Now().Add(-time.Second)},
	}
	for _, rule := range rules {
		action := describedAction("it", rule)
		api := newAPI(t, actionhero.Config{}, action)
		for _, who := range callers {
			_, err := action.Call(actionhero.WithIdentity(t.Context(), who), api, described{Name: "n"})
			if shown := api.Describe().For(who, "").Action("it") != nil; shown != (err == nil) {
				t.Errorf("%v for %+v: shown is %v, but the call says %v", rule, who, shown, err)
			}
		}
	}
}

func TestTheDescriptionHasTheWholeContractOfAnAction(t *testing.T) {
	t.Parallel()
	task := actionhero.Task[described]{Name: "job", Description: "works", Run: func(context.Context, described) error { return nil }}
	action := describedAction("it", actionhero.Authenticated)
	action.Timeout, action.IdempotencyKey = time.Minute, actionhero.KeyIgnored
	api := newAPI(t, actionhero.Config{ServerName: "desk", APIVersion: "7", StrictParams: true, RequestLimit: 5}, action, task,
		actionhero.SecurityScheme{Name: "key", Type: "apiKey", In: "header", Key: "X-Key"})
	d := api.Describe()
	if d.Name != "desk" || d.Version != "7" || len(d.SecuritySchemes) != 1 || d.SecuritySchemes[0].Key != "X-Key" {
		t.Errorf("%+v", d)
	}
	info := d.Action("it")
	if info == nil || d.Action("other") != nil {
		t.Fatal(d.Actions)
	}
	if !info.Strict || !info.Idempotent || info.Timeout != time.Minute || info.ReturnsContent() {
		t.Errorf("%+v", info)
	}
	want := []actionhero.Code{actionhero.CodeInternal, actionhero.CodeInvalidInput, actionhero.CodeUnauthenticated, actionhero.CodePermissionDenied,
		actionhero.CodeResourceExhausted, actionhero.CodeCanceled, actionhero.CodeDeadlineExceeded, actionhero.CodeUnavailable}
	if !slices.Equal(info.Errors, want) {
		t.Errorf("errors %v", info.Errors)
	}
	const in = `{"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":10,"description":"who"},"token":{"type":"string","writeOnly":true}},"required":["name"]`
	if got := string(info.InputSchema); got != in+`,"additionalProperties":false}` {
		t.Errorf("input %s", got)
	}
	const next = `"type":"object","properties":{"id":{"type":"integer","format":"int64"},"next":{"anyOf":[{"$ref":"#/$defs/describedOut"},{"type":"null"}]}},"required":["id","next"]`
	if got := string(info.OutputSchema); got != `{`+next+`,"$defs":{"describedOut":{`+next+`}}}` {
		t.Errorf("output %s", got)
	}
	if len(d.Tasks) != 1 || string(d.Tasks[0].InputSchema) != in+"}" {
		t.Errorf("tasks %+v", d.Tasks)
	}
	if tasks := d.For(actionhero.Identity{ID: "u"}, "").Tasks; tasks != nil {
		t.Errorf("a client sees the tasks %v", tasks)
	}
	first, _ := json.Marshal(d.Actions[0].InputSchema)
	again, _ := json.Marshal(api.Describe().Actions[0].InputSchema)
	if string(first) != string(again) || strings.Contains(string(info.InputSchema), "hunter2") {
		t.Error("the description is not the same twice, or shows the default of a secret")
	}
}

func TestAWrongSecuritySchemeIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		parts actionhero.Parts
		want  string
	}{
		{actionhero.Parts{actionhero.SecurityScheme{Name: "a b", Type: "http"}}, `SecurityScheme name "a b" is not allowed: use 1 to 64 letters, digits and _ . -`},
		{actionhero.Parts{actionhero.SecurityScheme{Name: "a", Type: "cookie"}}, `SecurityScheme a has the Type "cookie": use http, apiKey or mutualTLS`},
		{actionhero.Parts{actionhero.SecurityScheme{Name: "a", Type: "http"}}, `SecurityScheme a has the Type http, but no Scheme: use bearer or basic`},
		{actionhero.Parts{actionhero.SecurityScheme{Name: "a", Type: "apiKey", In: "body", Key: "k"}}, `SecurityScheme a has the Type apiKey: set In to header, query or cookie, and Key to the name there`},
		{actionhero.Parts{actionhero.SecurityScheme{Name: "a", Type: "mutualTLS"}, actionhero.SecurityScheme{Name: "a", Type: "http", Scheme: "basic"}}, `two SecuritySchemes are named "a": rename one`},
		{actionhero.Parts{actionhero.SecurityScheme{Name: "a", Type: "mutualTLS"}, actionhero.SecurityScheme{Name: "a", Type: "mutualTLS"}}, ""},
	} {
		err := newAPI(t, actionhero.Config{}).Register(c.parts...)
		if got := errorText(err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
