package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

type docsInput struct {
	ID   int      `json:"id" required:"true" minimum:"1" doc:"of the <b>ticket</b>"`
	Tags []string `json:"tags"`
}

type docsOutput struct {
	ID   int      `json:"id"`
	Who  string   `json:"who"`
	Tags []string `json:"tags"`
}

// docsParts is an app with operations of each kind, of which strangers may call some.
func docsParts() []actionhero.Part {
	sessions := auth.NewSessions(auth.SessionConfig{PlainHTTP: true})
	show := func(ctx context.Context, in docsInput) (docsOutput, error) {
		return docsOutput{in.ID, actionhero.IdentityFrom(ctx).ID, in.Tags}, nil
	}
	return []actionhero.Part{
		actionhero.DefaultAccess(actionhero.Authenticated), sessions,
		auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
			if token != "t0ken" {
				return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is wrong")
			}
			return actionhero.Identity{ID: "machine"}, nil
		}),
		actionhero.Action[docsInput, docsOutput]{Name: "ticketShow", Description: "Shows a ticket", Route: "GET /tickets/{id}", Kind: actionhero.KindRead, Access: actionhero.Public, Run: show},
		actionhero.Action[docsInput, docsOutput]{Name: "ticketPrivate", Description: "Shows what is private", Run: show},
		actionhero.Action[actionhero.None, docsOutput]{Name: "login", Description: "Logs in", Access: actionhero.Public,
			Run: func(ctx context.Context, _ actionhero.None) (docsOutput, error) {
				return docsOutput{Who: "ann"}, sessions.Login(ctx, actionhero.Identity{ID: "ann"})
			}},
		actionhero.Action[struct {
			File *actionhero.File `json:"file" required:"true"`
		}, docsOutput]{Name: "upload", Description: "Takes a file", Access: actionhero.Public,
			Run: func(_ context.Context, in struct {
				File *actionhero.File `json:"file" required:"true"`
			}) (docsOutput, error) {
				return docsOutput{ID: int(in.File.Size), Who: in.File.Name}, nil
			}},
		actionhero.Action[actionhero.None, web.EventsOf[int]]{Name: "count", Description: "Counts", Kind: actionhero.KindRead, Access: actionhero.Public, Timeout: -1,
			Run: func(ctx context.Context, _ actionhero.None) (none web.EventsOf[int], err error) {
				events, err := web.Events(ctx, web.EventOptions{})
				if err != nil {
					return none, err
				}
				if err := events.Send(web.Event{Data: 4711}); err != nil {
					return none, err
				}
				<-ctx.Done()
				return none, nil
			}},
	}
}

// operation opens an operation of the page, and returns its selector.
func (p *tab) operation(id string) string {
	p.t.Helper()
	item := fmt.Sprintf(`#operations > [data-id=%q]`, id)
	p.wait(fmt.Sprintf(`document.querySelector(%q)`, item))
	p.eval(fmt.Sprintf(`document.querySelector(%q).open = true`, item), nil)
	p.wait(fmt.Sprintf(`document.querySelector(%q)`, item+" form"))
	return item
}

// runs runs an operation and waits until the answer has a text.
func (p *tab) runs(item, text string) {
	p.t.Helper()
	p.click(item + " form > button:not([type])")
	p.waitText(item+" .answer", text)
	p.wait(fmt.Sprintf(`!document.querySelector(%q).disabled`, item+" form > button:not([type])"))
}

func TestThePageOfTheAPIShowsAndRunsWhatTheCallerMayCall(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, docsParts()...)
	p := newChromium(t).open(s.url + "/public/docs")
	p.waitText("#state", "operations that you may call")
	var pageText string
	if p.eval(`document.body.textContent`, &pageText); strings.Contains(pageText, "rivate") {
		t.Error("a stranger sees what is private")
	}
	show := p.operation("ticketShow-route")
	p.fill(show+" input", "0")
	p.runs(show, "400 · ")
	p.fill(show+" input", "7")
	p.fill(show+" form input:nth-of-type(2)", "a, b")
	p.runs(show, `"tags": [`)
	p.waitText(show+" .answer", `"id": 7`)
	p.waitText(show, "of the <b>ticket</b>") // a text, and no HTML

	// A login makes a session, and the page then shows more.
	p.runs(p.operation("login"), `"who": "ann"`)
	private := p.operation("ticketPrivate")
	p.fill(private+" textarea", `{"id": 3}`)
	p.runs(private, `"who": "ann"`)

	p.eval(fmt.Sprintf(`{
		const data = new DataTransfer();
		data.items.add(new File(["12345"], "five.txt"));
		document.querySelector(%q).files = data.files;
	}`, p.operation("upload")+" input[type=file]"), nil)
	p.runs(`#operations > [data-id="upload"]`, `"who": "five.txt"`)

	count := p.operation("count")
	p.click(count + " form > button:not([type])")
	p.waitText(count+" .answer", "data: 4711")
	p.click(count + " form > button[type=button]")
	p.wait(fmt.Sprintf(`!document.querySelector(%q).disabled`, count+" form > button:not([type])"))
}

func TestThePageOfTheAPITakesATokenAndForgetsIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, docsParts()...)
	p := newChromium(t).open(s.url + "/public/docs/")
	p.waitText("#state", "operations that you may call")
	p.fill("#login-form input", "t0ken")
	p.click("#login-form button")
	private := p.operation("ticketPrivate")
	p.fill(private+" textarea", `{"id": 3}`)
	p.runs(private, `"who": "machine"`)
	var kept string
	p.eval(`JSON.stringify([localStorage.length, sessionStorage.length, document.cookie, location.href.includes("t0ken")])`, &kept)
	if kept != `[0,0,"",false]` {
		t.Errorf("the page keeps the token: %s", kept)
	}
}

func TestThePageOfTheAPIIsOffOrGivesWay(t *testing.T) {
	t.Parallel()
	get := func(s *site, path string) *http.Response {
		t.Helper()
		response, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response
	}
	own := newSite(t, func(cfg *server.Config) { cfg.CommonWeb.HTTPHeaders = nil })
	page := get(own, "/public/docs")
	if policy := page.Header.Get("Content-Security-Policy"); page.StatusCode != http.StatusOK || !strings.HasPrefix(policy, "default-src 'self';") || page.Request.URL.Path != "/public/docs/" {
		t.Errorf("%d %s at %s", page.StatusCode, policy, page.Request.URL)
	}
	off := false
	for what, change := range map[string]func(*server.Config){
		"docsPage": func(cfg *server.Config) { cfg.CommonWeb.DocsPage = &off },
		"openAPI":  func(cfg *server.Config) { cfg.CommonWeb.OpenAPI = "off" },
	} {
		if r := get(newSite(t, change), "/public/docs/"); r.StatusCode != http.StatusNotFound {
			t.Errorf("with %s off: %d", what, r.StatusCode)
		}
	}
}
