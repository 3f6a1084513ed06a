package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
	"github.com/actionhero-go/actionhero/server"
)

type noteInput struct {
	ID string `json:"id" required:"true" doc:"of the note" maxLength:"20"`
}

type note struct {
	ID   string `json:"id"`
	Who  string `json:"who"`
	Call string `json:"call"`
}

// noteParts are resources and a prompt.
func noteParts() actionhero.Parts {
	show := func(ctx context.Context, in noteInput) (note, error) {
		if in.ID == "none" {
			return note{}, actionhero.Errorf(actionhero.CodeNotFound, "there is no such note")
		}
		return note{in.ID, actionhero.IdentityFrom(ctx).ID, actionhero.RequestFrom(ctx).Transport}, nil
	}
	return actionhero.Parts{
		actionhero.Action[noteInput, note]{
			Name: "noteShow", Description: "A note.", Kind: actionhero.KindRead, Resource: &actionhero.Resource{URI: "note:///{id}", Title: "One note"}, Run: show,
		},
		actionhero.Action[noteInput, note]{
			Name: "noteHidden", Kind: actionhero.KindRead, Access: actionhero.Roles("admin"), Resource: &actionhero.Resource{URI: "hidden:///{id}"}, Run: show,
		},
		actionhero.Action[actionhero.None, note]{
			Name: "noteFirst", Kind: actionhero.KindRead, Resource: &actionhero.Resource{URI: "note:///first"},
			Run: func(context.Context, actionhero.None) (note, error) { return note{ID: "the first"}, nil },
		},
		actionhero.Action[fileInput, *actionhero.Content]{
			Name: "noteFile", Kind: actionhero.KindRead, Resource: &actionhero.Resource{URI: "file:///{+name}"},
			Run: func(_ context.Context, in fileInput) (*actionhero.Content, error) {
				return &actionhero.Content{Body: strings.NewReader("bytes of " + in.Name), Name: in.Name}, nil
			},
		},
		actionhero.Action[noteInput, actionhero.PromptMessages]{
			Name: "noteReview", Description: "Reviews a note.", Kind: actionhero.KindRead, Prompt: &actionhero.Prompt{Title: "Review"},
			Run: func(_ context.Context, in noteInput) (actionhero.PromptMessages, error) {
				return actionhero.PromptMessages{Messages: []actionhero.PromptMessage{
					{Text: "Review the note " + in.ID}, {Role: "assistant", Text: "I see:"},
					{Data: []byte("png"), MediaType: "image/png"}, {URI: "note:///" + in.ID, Text: "the text", MediaType: "text/plain"},
					{URI: "note:///" + in.ID, Data: []byte("zip"), MediaType: "application/zip"},
				}}, nil
			},
		},
	}
}

func wantCode(t testing.TB, err error, code int64, text string) {
	t.Helper()
	if e, ok := errors.AsType[*jsonrpc.Error](err); !ok || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("the error is %v, want %d %s", err, code, text)
	}
}

// A resource is an action: its caller, its rule, its inputs and its errors are those of any other transport.
func TestAResourceIsReadByItsAction(t *testing.T) {
	t.Parallel()
	s := start(t, nil, knows, actionhero.DefaultAccess(actionhero.Authenticated), noteParts())
	for _, version := range versions {
		session := connect(t, s, version, bearer("ann"))
		list, err := session.ListResources(t.Context(), nil)
		if err != nil || len(list.Resources) != 1 || list.Resources[0].URI != "note:///first" || list.Resources[0].MIMEType != "application/json" {
			t.Fatalf("the resources are %v (%v)", list, err)
		}
		templates, err := session.ListResourceTemplates(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var uris []string
		for _, r := range templates.ResourceTemplates {
			uris = append(uris, r.URITemplate+" "+r.Title)
		}
		if !slices.Equal(uris, []string{"file:///{+name} ", "note:///{id} One note"}) {
			t.Errorf("the templates are %q", uris)
		}
		for uri, want := range map[string]string{
			"note:///first": `application/json {"id":"the first","who":"","call":""}`, "note:///7": `application/json {"id":"7","who":"ann","call":"mcp"}`,
			"note:///a%2Fb%20c": `application/json {"id":"a/b c","who":"ann","call":"mcp"}`, "file:///a/b.txt": "text/plain; charset=utf-8 bytes of a/b.txt",
			"file:///a.zip": "application/zip bytes of a.zip",
		} {
			got, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
			if err != nil || len(got.Contents) != 1 || got.Contents[0].URI != uri {
				t.Errorf("%s: %+v, %v", uri, got, err)
				continue
			}
			if text := got.Contents[0].MIMEType + " " + got.Contents[0].Text + string(got.Contents[0].Blob); text != want {
				t.Errorf("%s is %s, want %s", uri, text, want)
			}
		}
		for uri, code := range map[string]int64{"note:///none": -32602, "note:///": -32602, "other:///1": -32602, "note:///a/b": -32602, "note:///%zz": -32602, "hidden:///1": -32000} {
			_, err := session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
			wantCode(t, err, code, "")
		}
		_, err = session.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "note:///" + strings.Repeat("x", 21)})
		wantCode(t, err, -32602, "id must")
	}
	testkit.Eventually(t, "reads are in the log", func() bool {
		return slices.ContainsFunc(s.Log.Entries(), func(e testkit.Entry) bool {
			return e.Message == "an agent has read a resource" && e.Attrs["user"] == "ann" && e.Attrs["action"] == "noteShow" && e.Attrs["outcome"] == "ok"
		})
	})
}

func TestAPromptIsMadeByItsAction(t *testing.T) {
	t.Parallel()
	s := start(t, nil, noteParts())
	for _, version := range versions {
		session := connect(t, s, version, nil)
		list, err := session.ListPrompts(t.Context(), nil)
		if err != nil || len(list.Prompts) != 1 || list.Prompts[0].Title != "Review" || len(list.Prompts[0].Arguments) != 1 || !list.Prompts[0].Arguments[0].Required {
			t.Fatalf("the prompts are %v (%v)", list, err)
		}
		got, err := session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "noteReview", Arguments: map[string]string{"id": "7"}})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range got.Messages {
			content, err := m.Content.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(m.Role)+" "+string(content))
		}
		want := []string{
			`user {"type":"text","text":"Review the note 7"}`, `assistant {"type":"text","text":"I see:"}`, `user {"type":"image","mimeType":"image/png","data":"cG5n"}`,
			`user {"type":"resource","resource":{"uri":"note:///7","mimeType":"text/plain","text":"the text"}}`,
			`user {"type":"resource","resource":{"uri":"note:///7","mimeType":"application/zip","blob":"emlw"}}`,
		}
		if !slices.Equal(all, want) || got.Description != "Reviews a note." {
			t.Errorf("%s\nwant\n%s", strings.Join(all, "\n"), strings.Join(want, "\n"))
		}
		_, err = session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "noteReview"})
		wantCode(t, err, -32602, "id is a required parameter")
		_, err = session.GetPrompt(t.Context(), &sdk.GetPromptParams{Name: "none"})
		wantCode(t, err, -32602, "unknown prompt")
	}
	if got := s.HTTP(t).Do("noteReview", map[string]string{"id": "7"}); got.Error != "" && got.Error != "OK" {
		t.Errorf("over HTTP: %+v", got)
	}
}

// A client learns only what the app has, and asks for nothing else.
func TestTheCapabilitiesAreThoseOfTheApp(t *testing.T) {
	t.Parallel()
	with, without := start(t, nil, noteParts()), start(t, nil, isTool(close("any")))
	for _, version := range versions {
		if caps := connect(t, with, version, nil).InitializeResult().Capabilities; caps.Resources == nil || caps.Prompts == nil || caps.Tools == nil {
			t.Errorf("%s: %+v", version, caps)
		}
		if caps := connect(t, without, version, nil).InitializeResult().Capabilities; caps.Resources != nil || caps.Prompts != nil || caps.Tools == nil {
			t.Errorf("%s: %+v", version, caps)
		}
	}
}

// A client that asks for progress reads it while the action runs, each value above the last one.
func TestAnAgentReadsTheProgressOfItsCall(t *testing.T) {
	t.Parallel()
	over, end := context.WithCancel(t.Context())
	seen := make(chan bool, 1)
	s := start(t, nil, isTool(does("slow", func(ctx context.Context) error {
		actionhero.ReportProgress(ctx, 1, 3, "one")
		actionhero.ReportProgress(ctx, 1, 3, "again")
		select {
		case <-seen: // the client has read it, and the action still runs
		case <-ctx.Done():
			return ctx.Err()
		}
		actionhero.ReportProgress(ctx, 3, 3, "three")
		go func() { // a goroutine that outlives its call reports nothing
			<-over.Done()
			actionhero.ReportProgress(ctx, 4, 0, "late")
		}()
		return nil
	})))
	for _, version := range versions {
		var got []string
		base := s.HTTP(t)
		client := sdk.NewClient(&sdk.Implementation{Name: "tester", Version: "1"}, &sdk.ClientOptions{
			ProgressNotificationHandler: func(_ context.Context, p *sdk.ProgressNotificationClientRequest) {
				if got = append(got, fmt.Sprintf("%v %v %s %v", p.Params.Progress, p.Params.Total, p.Params.Message, p.Params.ProgressToken)); len(got) == 1 {
					seen <- true
				}
			},
		})
		session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: base.Base + "/mcp", HTTPClient: base.Client, DisableStandaloneSSE: true, MaxRetries: -1},
			&sdk.ClientSessionOptions{ProtocolVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		params := toolCall("slow", nil)
		params.SetProgressToken("token")
		if _, err := session.CallTool(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		_ = session.Close()
		if !slices.Equal(got, []string{"1 3 one token", "3 3 three token"}) {
			t.Errorf("%s: the client has read %q", version, got)
		}
	}
	end()
}

// A destructive tool runs after its user has agreed, if the client can ask. mcp.confirm decides about other clients.
func TestADestructiveToolAsksItsUser(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"ask", "require", "never"} {
		ran := 0
		remove := close("remove")
		remove.Kind = actionhero.KindDestructive
		run := remove.Run
		remove.Run = func(ctx context.Context, in ticketInput) (ticket, error) {
			ran++
			return run(ctx, in)
		}
		s := start(t, settings(func(cfg *mcp.Config) { cfg.Confirm = setting }), isTool(remove))
		for _, version := range versions {
			for _, decision := range []string{"accept", "decline", "cancel", "cannot"} {
				ran = 0
				asked := ""
				options := &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}}
				if decision != "cannot" {
					options.ElicitationHandler = func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
						asked = r.Params.Message
						return &sdk.ElicitResult{Action: decision}, nil
					}
				}
				base := s.HTTP(t)
				session, err := sdk.NewClient(&sdk.Implementation{Name: "tester", Version: "1"}, options).Connect(t.Context(),
					&sdk.StreamableClientTransport{Endpoint: base.Base + "/mcp", HTTPClient: base.Client, DisableStandaloneSSE: true, MaxRetries: -1},
					&sdk.ClientSessionOptions{ProtocolVersion: version})
				if err != nil {
					t.Fatal(err)
				}
				got := call(t, session, "remove", map[string]any{"id": "12", "token": "hush"})
				_ = session.Close()
				runs := setting == "never" || decision == "accept" || decision == "cannot" && setting == "ask"
				asks := setting != "never" && decision != "cannot"
				if (ran == 1) != runs || got.IsError == runs || asks != strings.Contains(asked, `remove: Closes a ticket.`+"\n"+`{"id":"12","token":"[FILTERED]"`) {
					t.Errorf("%s %s %s: ran %d times, asked %q, result %v", setting, version, decision, ran, asked, got.IsError)
				}
				if !runs && failureOf(t, got).ErrorCode != "permissionDenied" {
					t.Errorf("%s %s %s: %s", setting, version, decision, text(t, got))
				}
			}
		}
	}
}

// A question to the user counts as a request, because nothing else would bound it.
func TestTheRequestLimitCountsQuestions(t *testing.T) {
	t.Parallel()
	remove := close("remove")
	remove.Kind = actionhero.KindDestructive
	s := start(t, func(cfg *server.Config) { cfg.General.RequestLimit = 3 }, isTool(remove))
	c := s.HTTP(t)
	body := strings.Replace(newCall("remove", `{"id":"12"}`), `io.modelcontextprotocol/clientCapabilities":{}`, `io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}`, 1)
	for i := range 4 {
		want := `"resultType":"input_required"`
		if i == 3 {
			want = `resourceExhausted`
		}
		if got := c.Ask("POST", "/mcp", body, newHeaders("remove")...); !strings.Contains(got.Text, want) {
			t.Errorf("question %d is answered with %d %s", i, got.StatusCode, got.Text)
		}
	}
}

// The answer of a user counts for the arguments that the user has seen.
func TestAConfirmationCountsForItsArguments(t *testing.T) {
	t.Parallel()
	remove := close("remove")
	remove.Kind = actionhero.KindDestructive
	s := start(t, nil, isTool(remove))
	c := s.HTTP(t)
	body := func(id, state string) string {
		text := strings.Replace(newCall("remove", `{"id":"`+id+`"}`), `"clientCapabilities":{}`, `"clientCapabilities":{"elicitation":{}}`, 1)
		text = strings.Replace(text, `io.modelcontextprotocol/clientCapabilities":{}`, `io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}`, 1)
		if state != "" {
			text = strings.Replace(text, `"arguments"`, `"requestState":"`+state+`","inputResponses":{"confirm":{"action":"accept"}},"arguments"`, 1)
		}
		return text
	}
	first := c.Ask("POST", "/mcp", body("12", ""), newHeaders("remove")...)
	_, rest, ok := strings.Cut(first.Text, `"requestState":"`)
	state, _, _ := strings.Cut(rest, `"`)
	if !ok || !strings.Contains(first.Text, `"resultType":"input_required"`) || !strings.Contains(first.Text, `"inputRequests":{"confirm":{"method":"elicitation/create"`) {
		t.Fatalf("the first answer is %s", first.Text)
	}
	if got := c.Ask("POST", "/mcp", body("13", state), newHeaders("remove")...); !strings.Contains(got.Text, `"resultType":"input_required"`) {
		t.Errorf("the confirmation of another call counts: %s", got.Text)
	}
	if got := c.Ask("POST", "/mcp", body("12", state), newHeaders("remove")...); !strings.Contains(got.Text, `"votes":3`) {
		t.Errorf("the confirmed call is answered with %s", got.Text)
	}
}
