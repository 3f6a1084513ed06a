package support_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/examples/desk/support"
)

// serve starts a desk with ports, and ann's browser with a ticket.
func serve(t *testing.T) (a *app, client func() *actionherotest.HTTPClient, ann *actionherotest.HTTPClient) {
	t.Helper()
	p := &post{}
	s := actionherotest.NewServer(t, parts(t, p))
	client = func() *actionherotest.HTTPClient { return actionherotest.HTTP(t, s) }
	ann = client()
	must(t, http.StatusCreated, ann.Do("POST", "/signup", map[string]string{"email": "ann@example.com", "name": "Ann", "password": "a long secret"}))
	must(t, http.StatusCreated, ann.Do("POST", "/tickets", map[string]string{"subject": "It rains in", "text": "Help!"}))
	return &app{t, s.API, p}, client, ann
}

func must(t *testing.T, status int, resp *actionherotest.Response) *actionherotest.Response {
	t.Helper()
	if resp.Status != status {
		t.Fatalf("the answer is %d %s instead of %d", resp.Status, resp.Body, status)
	}
	return resp
}

// upload sends a file as a form of a page does.
func upload(t *testing.T, client *actionherotest.HTTPClient, name string, content []byte) *actionherotest.Response {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = part.Write(content)
	if err := errors.Join(err, form.Close()); err != nil {
		t.Fatal(err)
	}
	client.Header.Set("Content-Type", form.FormDataContentType())
	defer client.Header.Del("Content-Type")
	return client.Do("POST", "/tickets/1/files", body.Bytes())
}

func TestAnAttachmentComesBackUnderItsNameAsADownload(t *testing.T) {
	t.Parallel()
	_, client, ann := serve(t)
	var file support.File
	must(t, http.StatusCreated, upload(t, ann, "Dach ☂.html", []byte("<script>alert(1)</script>"))).Decode(&file)
	got := must(t, http.StatusOK, ann.Do("GET", "/files/"+file.ID, nil))
	disposition := got.Header.Get("Content-Disposition")
	if string(got.Body) != "<script>alert(1)</script>" || !strings.HasPrefix(disposition, "attachment") || !strings.Contains(disposition, "Dach%20%E2%98%82.html") {
		t.Errorf("the file is %q with %q", got.Body, disposition)
	}
	var shown support.ShowOutput
	must(t, http.StatusOK, ann.Do("GET", "/tickets/1", nil)).Decode(&shown)
	if len(shown.Files) != 1 || shown.Files[0] != file || file.Size != 25 {
		t.Errorf("the ticket has the files %+v", shown.Files)
	}
	bob := client()
	must(t, http.StatusUnauthorized, bob.Do("GET", "/files/"+file.ID, nil))
	must(t, http.StatusCreated, bob.Do("POST", "/signup", map[string]string{"email": "bob@example.com", "name": "Bob", "password": "a long secret"}))
	must(t, http.StatusNotFound, bob.Do("GET", "/files/"+file.ID, nil))
	must(t, http.StatusNotFound, upload(t, bob, "x.txt", []byte("x")))
	must(t, http.StatusNotFound, ann.Do("GET", "/files/"+strings.Repeat("A", 26), nil))
	must(t, http.StatusRequestEntityTooLarge, upload(t, ann, "x.txt", make([]byte, 6<<20)))
}

func TestAKeyMayDoWhatItsScopesSay(t *testing.T) {
	t.Parallel()
	a, client, ann := serve(t)
	var key support.KeyOutput
	must(t, http.StatusOK, ann.Do("POST", "/keys", map[string]string{"name": "report"})).Decode(&key)
	program := client()
	program.Header.Set("Authorization", "Bearer "+key.Key)
	must(t, http.StatusOK, program.Do("GET", "/tickets/1", nil))
	must(t, http.StatusForbidden, program.Do("POST", "/tickets", map[string]string{"subject": "x", "text": "x"}))
	must(t, http.StatusForbidden, program.Do("POST", "/keys", map[string]any{"name": "more", "write": true}))
	must(t, http.StatusForbidden, program.Do("GET", "/keys", nil))

	// A key has the role that its owner has now.
	must(t, http.StatusForbidden, program.Do("POST", "/tickets/1/assign", nil))
	var strong support.KeyOutput
	must(t, http.StatusOK, ann.Do("POST", "/keys", map[string]any{"name": "robot", "write": true})).Decode(&strong)
	if _, err := actionherotest.Run(t, a.api, "userRole", map[string]any{"email": "ann@example.com", "role": "agent"}, actionherotest.As(root)); err != nil {
		t.Fatal(err)
	}
	must(t, http.StatusForbidden, program.Do("POST", "/tickets/1/assign", nil))
	robot := client()
	robot.Header.Set("Authorization", "Bearer "+strong.Key)
	must(t, http.StatusOK, robot.Do("POST", "/tickets/1/assign", nil))

	must(t, http.StatusOK, ann.Do("POST", "/tickets/1/assign", nil)) // her session has the new role, too
	var list support.KeysOutput
	must(t, http.StatusOK, ann.Do("GET", "/keys", nil)).Decode(&list)
	if len(list.Keys) != 2 || list.Keys[0].ID != key.ID || list.Keys[0].LastUsedAt.IsZero() {
		t.Errorf("the keys are %+v", list.Keys)
	}
	must(t, http.StatusOK, ann.Do("DELETE", "/keys/"+key.ID, nil))
	must(t, http.StatusNotFound, ann.Do("DELETE", "/keys/"+key.ID, nil))
	must(t, http.StatusUnauthorized, program.Do("GET", "/tickets/1", nil))
}

func TestLoginsAreLimited(t *testing.T) {
	t.Parallel()
	_, client, _ := serve(t)
	page := client()
	for i := range 4 { // after three attempts, the next one waits
		resp := page.Do("POST", "/login", map[string]string{"email": "nobody@example.com", "password": "a guess"})
		if limited := i == 3; limited != (resp.Status == http.StatusTooManyRequests) {
			t.Errorf("the login %d is answered with %d %s", i+1, resp.Status, resp.Body)
		}
	}
	must(t, http.StatusOK, page.Do("POST", "/login", map[string]string{"email": "ann@example.com", "password": "a long secret"}))
}

// The checks of the passwords take turns, so most of these logins have read the old role when the role changes.
func TestNoLoginKeepsARoleThatIsTaken(t *testing.T) {
	t.Parallel()
	a, client, _ := serve(t)
	role := func(to string) {
		t.Helper()
		if _, err := actionherotest.Run(t, a.api, "userRole", map[string]any{"email": "ann@example.com", "role": to}, actionherotest.As(root)); err != nil {
			t.Fatal(err)
		}
	}
	role("agent")
	pages := make([]*actionherotest.HTTPClient, 3) // more at once have to wait
	first := make(chan int, len(pages))
	var all sync.WaitGroup
	for i := range pages {
		pages[i] = client()
		all.Go(func() {
			first <- pages[i].Do("POST", "/login", map[string]string{"email": "ann@example.com", "password": "a long secret"}).Status
		})
	}
	<-first
	role("customer")
	all.Wait()
	for i, page := range pages {
		if resp := page.Do("POST", "/tickets/1/assign", nil); resp.Status != http.StatusForbidden && resp.Status != http.StatusUnauthorized {
			t.Errorf("the login %d acts as an agent: %d %s", i, resp.Status, resp.Body)
		}
	}
}

func TestTheTicketsOfAFormerAgentAreFree(t *testing.T) {
	t.Parallel()
	a := start(t)
	_, ann := a.user("ann", "customer")
	_, eve := a.user("eve", "agent")
	ticket := a.open(ann, "It rains in")
	if got := run[support.Ticket](a, eve, "ticketAssign", map[string]any{"id": ticket.ID}); got.Assignee != "eve" {
		t.Errorf("the ticket is %+v", got)
	}
	run[support.User](a, root, "userRole", map[string]any{"email": "eve@example.com", "role": "customer"})
	if got := run[support.ShowOutput](a, ann, "ticketShow", map[string]any{"id": ticket.ID}); got.Assignee != "" {
		t.Errorf("the ticket is %+v", got)
	}
}

// live starts a desk with its worker, whose user ann has a ticket and eve is an agent, in a bubble.
func live(t *testing.T, fails ...error) (a *app, ann, eve actionhero.Identity) {
	t.Helper()
	p := &post{fails: fails}
	a = &app{t, actionherotest.NewWithWorker(t, parts(t, p)), p}
	_, ann = a.user("ann", "customer")
	_, eve = a.user("eve", "agent")
	a.open(ann, "It rains in")
	return a, ann, eve
}

func TestAMailIsSentAgainUntilItSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		a, _, eve := live(t, down, down, down)
		run[support.Answer](a, eve, "ticketAnswer", map[string]any{"id": 1, "text": "Close the window."})
		actionherotest.Advance(t, 2*time.Minute)
		if sent := fmt.Sprint(a.sent()); sent != "[ann@example.com: [#1] It rains in]" {
			t.Errorf("the mails are %s", sent)
		}
	})
}

func TestARefusedMailIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _, eve := live(t, support.ErrRefused)
		run[support.Answer](a, eve, "ticketAnswer", map[string]any{"id": 1, "text": "Close the window."})
		actionherotest.Advance(t, time.Hour)
		if job := actionherotest.RequireEnqueued(t, a.api, "mail", 1)[0]; job.State.String() != "cancelled" || a.sent() != nil {
			t.Errorf("the job is %+v, and the mails are %q", job, a.sent())
		}
	})
}

func TestAgentsLearnOfALateAnswerOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, ann, eve := live(t)
		screen := actionherotest.Connect(t, a.api, "")
		if err := errors.Join(screen.SetIdentity(t.Context(), eve), a.api.Rooms.Join(t.Context(), screen.Conn, "agents")); err != nil {
			t.Fatal(err)
		}
		overdue := func() int {
			t.Helper()
			return len(run[support.ListOutput](a, eve, "ticketList", map[string]any{"overdue": true}).Tickets)
		}
		actionherotest.Advance(t, 3*time.Hour+58*time.Minute)
		if n := overdue(); n != 0 || screen.Messages() != nil {
			t.Errorf("%d tickets are overdue before their time", n)
		}
		actionherotest.Advance(t, time.Hour)
		if m := screen.Messages(); len(m) != 1 || !strings.Contains(m[0].Body, `"event":"overdue"`) || overdue() != 1 {
			t.Errorf("the agents read %+v", m)
		}
		if sent := fmt.Sprint(a.sent()); sent != "[eve@example.com: [#1] It rains in]" {
			t.Errorf("the mails are %s", sent)
		}
		run[support.Answer](a, eve, "ticketAnswer", map[string]any{"id": 1, "text": "Close the window."})
		actionherotest.Advance(t, 5*time.Hour)
		if n := overdue(); n != 0 || screen.Messages() != nil {
			t.Errorf("after the answer, %d tickets are overdue", n)
		}
		run[support.Ticket](a, ann, "ticketClose", map[string]any{"id": 1})
	})
}

// mailServer accepts one mail over SMTP, and returns its lines. It answers the recipient with the given line.
func mailServer(t *testing.T, recipient string) (addr string, lines <-chan []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	done := make(chan []string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var got []string
		defer func() { done <- got }()
		in, data := bufio.NewScanner(conn), false
		_, _ = io.WriteString(conn, "220 test\r\n")
		for in.Scan() {
			got = append(got, in.Text())
			answer := "250 fine"
			switch verb, _, _ := strings.Cut(in.Text(), " "); {
			case data && in.Text() != ".":
				continue
			case verb == "DATA":
				data, answer = true, "354 go on"
			case verb == "RCPT":
				answer = recipient
			case verb == "QUIT":
				answer = "221 bye"
			}
			data = data && in.Text() != "."
			_, _ = io.WriteString(conn, answer+"\r\n")
		}
	}()
	return l.Addr().String(), done
}

func TestNoTextOfAUserBecomesAHeader(t *testing.T) {
	t.Parallel()
	addr, lines := mailServer(t, "250 fine")
	err := support.SMTP{Server: addr, From: "desk@example.com"}.Send(t.Context(), support.Mail{
		Address: "ann@example.com", Subject: "Rain\r\nBcc: all@example.com", Text: "Grüße\r\n.\r\nRCPT TO:<all@example.com>",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := <-lines
	for _, line := range got {
		if strings.HasPrefix(line, "Bcc") {
			t.Errorf("the mail has the header %q", line)
		}
	}
	if text := strings.Join(got, "\n"); strings.Count(text, "\n.\n") != 1 || !strings.Contains(text, "Gr=C3=BC=C3=9Fe\n..\nRCPT") || !strings.Contains(text, "To: ann@example.com") {
		t.Errorf("the server reads\n%s", text)
	}
}

func TestAnUnknownAddressIsRefusedForGood(t *testing.T) {
	t.Parallel()
	for answer, forGood := range map[string]bool{"550 no such user": true, "450 try later": false} {
		addr, _ := mailServer(t, answer)
		err := support.SMTP{Server: addr, From: "desk@example.com"}.Send(t.Context(), support.Mail{Address: "ann@example.com", Subject: "Rain", Text: "x"})
		if err == nil || errors.Is(err, support.ErrRefused) != forGood {
			t.Errorf("after %q the error is %v", answer, err)
		}
	}
}
