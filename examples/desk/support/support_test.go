package support_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/examples/desk/support"
	"github.com/actionhero-go/actionhero/plugins/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is a Mailer that keeps the mails. It first returns the errors in fails, one for each call.
type post struct {
	mu    sync.Mutex
	fails []error
	mails []support.Mail
}

func (p *post) Send(_ context.Context, m support.Mail) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.fails) > 0 {
		err := p.fails[0]
		p.fails = p.fails[1:]
		return err
	}
	p.mails = append(p.mails, m)
	return nil
}

// sent returns the mails as "address: subject".
func (p *post) sent() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		list = append(list, m.Address+": "+m.Subject)
	}
	return list
}

// parts returns the desk with a database, a folder and a mailer of the test.
func parts(t testing.TB, mailer support.Mailer) actionhero.Parts {
	t.Helper()
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return actionhero.Parts{support.All, sqlite.File(filepath.Join(t.TempDir(), "desk.db")),
		actionherotest.Provide(mailer), actionherotest.Provide(folder)}
}

// app is a desk without ports, and its users.
type app struct {
	t   testing.TB
	api *actionhero.API
	*post
}

func start(t *testing.T) *app {
	t.Helper()
	p := &post{}
	return &app{t, actionherotest.New(t, parts(t, p)), p}
}

// run runs an action as a user, which must succeed.
func run[Out any](a *app, who actionhero.Identity, action string, params map[string]any) Out {
	a.t.Helper()
	out, err := actionherotest.RunAs[Out](a.t, a.api, action, params, actionherotest.As(who))
	if err != nil {
		a.t.Fatalf("%s: %v", action, err)
	}
	return out
}

// refuses runs an action as a user, which must fail with the code.
func (a *app) refuses(who actionhero.Identity, code actionhero.Code, action string, params map[string]any) {
	a.t.Helper()
	out, err := actionherotest.Run(a.t, a.api, action, params, actionherotest.As(who))
	if e := actionhero.AsError(err); e == nil || e.Code != code {
		a.t.Errorf("%s %v: %s, %v", action, params, out, err)
	}
}

// user signs a user up, gives it the role, and returns its identity.
func (a *app) user(name, role string) (support.User, actionhero.Identity) {
	a.t.Helper()
	u := run[support.User](a, actionhero.Identity{}, "signUp", map[string]any{"email": name + "@example.com", "name": name, "password": "a long secret"})
	if role != "customer" {
		u = run[support.User](a, root, "userRole", map[string]any{"email": u.Email, "role": role})
	}
	return u, actionhero.Identity{ID: fmt.Sprint(u.ID), Roles: []string{role}, Scopes: []string{actionhero.AnyScope}}
}

// root may give roles.
var root = actionhero.Identity{ID: "0", Roles: []string{"admin"}, Scopes: []string{actionhero.AnyScope}}

func (a *app) open(who actionhero.Identity, subject string) support.Ticket {
	a.t.Helper()
	return run[support.Ticket](a, who, "ticketOpen", map[string]any{"subject": subject, "text": "Help!"})
}

func TestAStrangerLearnsNothingOfATicket(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, ann := a.user("ann", "customer")
	_, bob := a.user("bob", "customer")
	ticket := a.open(ann, "It rains in")
	for action, params := range map[string]map[string]any{
		"ticketShow": {}, "ticketAnswer": {"text": "I am Ann"}, "ticketClose": {},
	} {
		params["id"] = ticket.ID
		a.refuses(bob, actionhero.CodeNotFound, action, params)
		a.refuses(actionhero.Identity{}, actionhero.CodeUnauthenticated, action, params)
	}
	for action, params := range map[string]map[string]any{
		"ticketAssign": {}, "participantAdd": {"email": "bob@example.com"}, "participantRemove": {"user": 1}, "userRole": {"email": "bob@example.com", "role": "admin"},
	} {
		params["id"] = ticket.ID
		a.refuses(bob, actionhero.CodePermissionDenied, action, params)
	}
	if list := run[support.ListOutput](a, bob, "ticketList", nil); len(list.Tickets) != 0 {
		t.Errorf("bob's list has %+v", list)
	}
	if list := run[support.ListOutput](a, ann, "ticketList", nil); len(list.Tickets) != 1 || list.Tickets[0] != ticket {
		t.Errorf("ann's list has %+v", list)
	}
}

func TestThePagesOfAListHaveEachTicketOnce(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, ann := a.user("ann", "customer")
	_, eve := a.user("eve", "agent")
	for i := range 7 {
		a.open(ann, fmt.Sprintf("Ticket number %d", i+1))
	}
	run[support.Ticket](a, ann, "ticketClose", map[string]any{"id": 2})
	run[support.Ticket](a, eve, "ticketAssign", map[string]any{"id": 3})
	numbers := func(params map[string]any) (all []int64) {
		t.Helper()
		for {
			page := run[support.ListOutput](a, eve, "ticketList", params)
			for _, ticket := range page.Tickets {
				all = append(all, ticket.ID)
			}
			if page.Next == 0 {
				return all
			}
			params["before"] = page.Next
		}
	}
	for want, params := range map[string]map[string]any{
		"[7 6 5 4 3 2 1]": {"limit": 3}, "[7 6 5 4 3 1]": {"limit": 2, "status": "open"}, "[2]": {"status": "closed"},
		"[3]": {"mine": true}, "[5]": {"search": "NUMBER 5"}, "[]": {"overdue": true},
	} {
		if got := fmt.Sprint(numbers(params)); got != want {
			t.Errorf("%v: the pages have %s instead of %s", params, got, want)
		}
	}
	a.refuses(eve, actionhero.CodeInvalidInput, "ticketList", map[string]any{"limit": 101})
}

func TestAnAnswerReachesTheRoomAndTheMail(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, ann := a.user("ann", "customer")
	_, eve := a.user("eve", "agent")
	ticket := a.open(ann, "It rains in")
	screen := actionherotest.Connect(t, a.api, "")
	if err := screen.SetIdentity(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	if err := a.api.Rooms.Join(t.Context(), screen.Conn, "ticket:1"); err != nil {
		t.Fatal(err)
	}
	run[support.Ticket](a, eve, "ticketAssign", map[string]any{"id": ticket.ID, "agent": "Eve@example.com"})
	run[support.Answer](a, eve, "ticketAnswer", map[string]any{"id": ticket.ID, "text": "Close the window."})
	if assigned, room := actionherotest.NextEvent(t, screen, support.Assigned); assigned.ID != ticket.ID || room != "ticket:1" {
		t.Errorf("the room %s reads of %+v", room, assigned)
	}
	if answer, _ := actionherotest.NextEvent(t, screen, support.Answered); answer.Text != "Close the window." {
		t.Errorf("the room reads %+v", answer)
	}
	run[support.Answer](a, ann, "ticketAnswer", map[string]any{"id": ticket.ID, "text": "It has no window."})
	if err := actionherotest.RunTask(t, a.api, "enqueueMails", nil); err != nil {
		t.Fatal(err)
	}
	jobs := actionherotest.RequireEnqueued(t, a.api, "mail", 2)
	var to []string
	for _, job := range jobs {
		var m support.Mail
		if err := json.Unmarshal(job.Params, &m); err != nil {
			t.Fatal(err)
		}
		to = append(to, m.Address+" "+m.Subject)
	}
	if fmt.Sprint(to) != "[ann@example.com [#1] It rains in eve@example.com [#1] It rains in]" {
		t.Errorf("the mails go to %q", to)
	}
	shown := run[support.ShowOutput](a, ann, "ticketShow", map[string]any{"id": ticket.ID})
	if len(shown.Answers) != 3 || shown.Answers[1].Text != "Close the window." || shown.Answers[1].Author != "eve" || shown.Assignee != "eve" {
		t.Errorf("the ticket is %+v", shown)
	}
}

func TestARemovedParticipantReadsNothingMore(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, ann := a.user("ann", "customer")
	bo, bob := a.user("bob", "customer")
	_, eve := a.user("eve", "agent")
	ticket := a.open(ann, "It rains in")
	room := fmt.Sprint("ticket:", ticket.ID)
	screen := actionherotest.Connect(t, a.api, "")
	if err := screen.SetIdentity(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	if err := a.api.Rooms.Move(t.Context(), screen.Conn, room); err == nil {
		t.Fatal("a stranger enters the room")
	}
	run[support.User](a, eve, "participantAdd", map[string]any{"id": ticket.ID, "email": bo.Email})
	if err := a.api.Rooms.Move(t.Context(), screen.Conn, room); err != nil {
		t.Fatal(err)
	}
	run[support.Answer](a, eve, "ticketAnswer", map[string]any{"id": ticket.ID, "text": "for both"})
	if m := screen.Next(t); m.Room != room {
		t.Errorf("bob reads %+v", m)
	}
	run[actionhero.None](a, eve, "participantRemove", map[string]any{"id": ticket.ID, "user": bo.ID})
	run[support.Answer](a, eve, "ticketAnswer", map[string]any{"id": ticket.ID, "text": "not for bob"})
	if m := screen.Messages(); m != nil {
		t.Errorf("after the removal bob reads %+v", m)
	}
	if err := a.api.Rooms.Move(t.Context(), screen.Conn, room); actionhero.AsError(err) == nil {
		t.Errorf("bob enters again: %v", err)
	}
	a.refuses(bob, actionhero.CodeNotFound, "ticketShow", map[string]any{"id": ticket.ID})
	if err := actionherotest.RunTask(t, a.api, "enqueueMails", nil); err != nil {
		t.Fatal(err)
	}
	actionherotest.RequireEnqueued(t, a.api, "mail", 3) // two of the first answer, one of the second
}

func TestNoClientSpeaksInARoomOrEntersAnother(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, ann := a.user("ann", "customer")
	_, eve := a.user("eve", "agent")
	a.open(ann, "It rains in")
	reader := ann
	reader.Scopes = []string{"tickets:write"}
	for who, want := range map[*actionhero.Identity]string{&ann: "[ticket:1]", &eve: "[agents ticket:1]", &reader: "[]", {}: "[]"} {
		c := actionherotest.Connect(t, a.api, "")
		if err := c.SetIdentity(t.Context(), *who); err != nil {
			t.Fatal(err)
		}
		entered := []string{}
		for _, room := range []string{"agents", "ticket:1", "ticket:01", "ticket:2", "ticket:", "defaultRoom"} {
			if a.api.Rooms.Join(t.Context(), c.Conn, room) == nil && a.api.Rooms.Say(t.Context(), c.Conn, room, "hello") != nil {
				entered = append(entered, room)
			}
		}
		if fmt.Sprint(entered) != want {
			t.Errorf("%+v enters %v instead of %s", *who, entered, want)
		}
	}
}

func TestOneKeyOpensOneTicket(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, ann := a.user("ann", "customer")
	in := map[string]any{"subject": "It rains in", "text": "Help!"}
	var ids []string
	for range 3 {
		out, err := actionherotest.Run(t, a.api, "ticketOpen", in, actionherotest.As(ann), actionherotest.WithHeader("Idempotency-Key", `"one"`), actionherotest.Over(actionhero.TransportWeb))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(out))
	}
	if list := run[support.ListOutput](a, ann, "ticketList", nil); len(list.Tickets) != 1 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("three calls open %+v and answer %q", list.Tickets, ids)
	}
}

func TestUsersOverHTTP(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, parts(t, &post{}))
	page := actionherotest.HTTP(t, s)
	ann := map[string]string{"email": "Ann@example.com", "name": "Ann", "password": "a long secret"}
	for _, step := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", "/me", nil, http.StatusUnauthorized},
		{"POST", "/signup", map[string]string{"email": "ann@example.com", "name": "Ann", "password": "short"}, http.StatusBadRequest},
		{"POST", "/signup", ann, http.StatusCreated},
		{"GET", "/me", nil, http.StatusOK},
		{"POST", "/signup", ann, http.StatusConflict},
		{"POST", "/logout", nil, http.StatusOK},
		{"GET", "/tickets", nil, http.StatusUnauthorized},
		{"POST", "/login", map[string]string{"email": "ann@example.com", "password": "a wrong secret"}, http.StatusUnauthorized},
		{"POST", "/login", map[string]string{"email": "bob@example.com", "password": "a long secret"}, http.StatusUnauthorized},
		{"POST", "/login", map[string]string{"email": "ANN@example.com", "password": "a long secret"}, http.StatusOK},
		{"GET", "/tickets", nil, http.StatusOK},
		{"POST", "/users/role", map[string]string{"email": "ann@example.com", "role": "admin"}, http.StatusForbidden},
	} {
		if resp := page.Do(step.method, step.path, step.body); resp.Status != step.status {
			t.Errorf("%s %s: %d %s", step.method, step.path, resp.Status, resp.Body)
		}
	}
	// The session goes on with the new role.
	if _, err := actionherotest.Run(t, s.API, "userRole", map[string]any{"email": "ann@example.com", "role": "agent"}, actionherotest.As(root)); err != nil {
		t.Error(err)
	}
	if resp := page.Do("GET", "/me", nil); resp.Status != http.StatusOK || !strings.Contains(string(resp.Body), `"role":"agent"`) {
		t.Errorf("after the change of the role: %d %s", resp.Status, resp.Body)
	}
}
