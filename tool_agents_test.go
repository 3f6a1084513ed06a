package actionhero_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
)

type noteInput struct {
	ID   string `json:"id" required:"true"`
	Path string `json:"path"`
}

func noteResource(name, uri string, change func(*actionhero.Action[noteInput, map[string]string])) actionhero.Part {
	a := actionhero.Action[noteInput, map[string]string]{
		Name: name, Description: "shows a note", Kind: actionhero.KindRead, Resource: &actionhero.Resource{URI: uri},
		Run: func(context.Context, noteInput) (map[string]string, error) { return nil, nil },
	}
	if change != nil {
		change(&a)
	}
	return a
}

func TestAResourceHasTheDefaultsOfItsAction(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, noteResource("note", "note:///{id}/{+path}", nil))
	for _, info := range api.Actions() {
		if info.Name != "note" {
			continue
		}
		r := info.Resource
		if r.Name != "note" || r.Description != "shows a note" || r.MediaType != "application/json" || !slices.Equal(r.Variables(), []string{"id", "path"}) {
			t.Errorf("the resource is %+v", r)
		}
		return
	}
	t.Error("there is no action")
}

func TestADeclarationThatCannotBeAResourceOrAPromptIsRefused(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	type action = actionhero.Action[noteInput, map[string]string]
	for want, parts := range map[string]actionhero.Parts{
		`its Resource has the URI "{id}": use a scheme`:                      {noteResource("a", "{id}", nil)},
		`its Resource has the URI "note:///{id} x": use a scheme`:            {noteResource("a", "note:///{id} x", nil)},
		`its Resource has the variable "other", but the action has no input`: {noteResource("a", "note:///{id}/{other}", nil)},
		`its Resource has the variable "id" twice`:                           {noteResource("a", "note:///{id}/{id}", nil)},
		`its URI lacks the required input "id": add {id}`:                    {noteResource("a", "note:///all", nil)},
		`its Kind is not KindRead`:                                           {noteResource("a", "note:///{id}", func(a *action) { a.Kind = actionhero.KindWrite })},
		`its Transports lack TransportMCP: add it, or remove Resource`:       {noteResource("a", "note:///{id}", func(a *action) { a.Transports = []string{actionhero.TransportWeb} })},
		`are both the resource "note:///{+id}": change one URI`:              {noteResource("a", "note:///{id}", nil), noteResource("b", "note:///{+id}", nil)},
		`it is a Prompt, but its output is not actionhero.PromptMessages`:    {noteResource("a", "note:///{id}", func(a *action) { a.Prompt = &actionhero.Prompt{} })},
		`the actions "a" and "b" are both the prompt "p"`:                    {promptNamed("a"), promptNamed("b")},
	} {
		if err := api.Register(parts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func promptNamed(name string) actionhero.Part {
	return actionhero.Action[noteInput, actionhero.PromptMessages]{
		Name: name, Prompt: &actionhero.Prompt{Name: "p"},
		Run: func(context.Context, noteInput) (out actionhero.PromptMessages, err error) { return out, nil },
	}
}

// Without a transport that shows it, a report of progress does nothing.
func TestProgressIsReportedWhereverAnActionRuns(t *testing.T) {
	t.Parallel()
	action := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "reports", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			actionhero.ReportProgress(ctx, 1, 2, "half")
			return n, nil
		},
	}
	api := newAPI(t, actionhero.Config{}, action)
	if _, err := action.Call(t.Context(), api, actionhero.None{}); err != nil {
		t.Error(err)
	}
	actionhero.ReportProgress(t.Context(), 1, 2, "half")
}
