//go:build hostile && linux

package attack_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// One allowance holds for everything that an address asks for: actions, commands, opened sessions and files.
func TestOneAllowanceForAllThatAClientAsks(t *testing.T) {
	p := startProcess(t, "ACTIONHERO_GENERAL_REQUEST_LIMIT=5")
	for range 5 {
		p.do("GET", "/api/randomNumber", "")
	}
	if status, _, body := p.do("GET", "/api/randomNumber", ""); status != http.StatusTooManyRequests {
		t.Fatalf("the allowance is not used up: %d %.200s", status, body)
	}
	if status, _, _ := p.do("GET", "/public/a.css", ""); status != http.StatusTooManyRequests {
		t.Errorf("a file: %d", status)
	}
	if status, _, body := p.do("GET", "/socket.io/?EIO=4&transport=polling", ""); status != http.StatusTooManyRequests {
		t.Errorf("a polling session: %d %.200s", status, body)
	}
	nc := p.dial(p.tcp) // the connection is refused, or its command
	p.send(nc, "roomView\nquit\n")
	if text, err := io.ReadAll(nc); !strings.Contains(string(text), "too many requests") || strings.Contains(string(text), "roomStatus") {
		t.Errorf("a command over TCP: %s %v", text, err)
	}
}

// An address cannot take all connections of a port.
func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	p := startProcess(t)
	const many = 2500
	var open []net.Conn
	defer func() {
		for _, nc := range open {
			nc.Close()
		}
	}()
	for range many {
		nc, err := net.Dial("tcp", p.tcp)
		if err != nil {
			break
		}
		open = append(open, nc)
	}
	served := 0
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, nc := range open {
		wg.Go(func() {
			_ = nc.SetReadDeadline(time.Now().Add(atOnce))
			line, err := bufio.NewReader(nc).ReadString('\n')
			if err == nil && strings.Contains(line, "welcome") {
				mu.Lock()
				served++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if served > many-100 {
		t.Errorf("%d connections of one address are served", served)
	}
}

// A client that may not enter a room can neither speak there nor learn who is in it, on any transport.
func TestARoomThatRefusesAClientIsClosedToIt(t *testing.T) {
	p := startProcess(t)
	member := p.lines()
	for _, line := range []string{"login", "roomChange vip"} {
		if answer, err := member.Call(line); err != nil || strings.Contains(answer, `"error":"`) {
			t.Fatalf("%s: %s %v", line, answer, err)
		}
	}
	_, _, text := p.do("POST", "/api/say", `{"room":"vip","message":"forged"}`, "Content-Type", "application/json")
	if strings.Contains(text, "membersCount") || strings.Contains(text, `"error":"OK"`) {
		t.Errorf("say over HTTP: %s", text)
	}
	ws, err := testkit.OpenWS(p.dial(p.http), "", atOnce)
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{
		`{"event":"action","id":1,"params":{"action":"say","room":"vip","message":"forged"}}`,
		`{"event":"say","id":2,"room":"vip","message":"forged"}`, `{"event":"roomView","id":3,"room":"vip"}`,
		`{"event":"roomChange","id":4,"room":"vip"}`, `{"event":"roomAdd","id":5,"room":"vip"}`,
	} {
		if err := ws.Send(testkit.Text(request)); err != nil {
			t.Fatal(err)
		}
		for {
			answer, err := ws.Message()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(answer, `"response"`) {
				if strings.Contains(answer, "membersCount") && strings.Contains(answer, "vip") || !strings.Contains(answer, `"error":"`) {
					t.Errorf("%s: %s", request, answer)
				}
				break
			}
		}
	}
	stranger := p.lines()
	for _, line := range []string{"roomChange vip", `{"action":"say","params":{"room":"vip","message":"forged"}}`} {
		if answer, err := stranger.Call(line); err != nil || !strings.Contains(answer, `"error":"`) {
			t.Errorf("%s: %s %v", line, answer, err)
		}
	}
	if err := member.WriteText("roomView\n"); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := member.Line()
		if err != nil || strings.Contains(line, "forged") {
			t.Fatalf("the member reads %s %v", line, err)
		}
		if strings.Contains(line, "roomStatus") {
			break
		}
	}
}

// A page of another site, a link, an image, a form or a preflight cannot run an action that deletes.
func TestNoPageOfAnotherSiteRunsAnAction(t *testing.T) {
	p := startProcess(t)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for name, r := range map[string]struct {
		method, target, body string
		headers              []string
	}{
		"GET by name":           {"GET", "/api/remove?id=get", "", nil},
		"HEAD by name":          {"HEAD", "/api/remove?id=head", "", nil},
		"OPTIONS by name":       {"OPTIONS", "/api/remove?id=options", "", nil},
		"preflight":             {"OPTIONS", "/api/remove?id=preflight", "", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "DELETE"}},
		"form of another site":  {"POST", "/api/remove", "id=form", append([]string{"Sec-Fetch-Site", "cross-site"}, form...)},
		"form of a sibling":     {"POST", "/api/remove", "id=sibling", append([]string{"Sec-Fetch-Site", "same-site", "Origin", "http://other.localhost"}, form...)},
		"form, old browser":     {"POST", "/api/remove", "id=origin", append([]string{"Origin", "https://evil.example"}, form...)},
		"form, null origin":     {"POST", "/api/remove", "id=null", append([]string{"Origin", "null"}, form...)},
		"through a file":        {"GET", "/public/a.css?action=remove&id=css", "", nil},
		"write by a cross link": {"GET", "/api/keep?text=x", "", []string{"Sec-Fetch-Site", "cross-site"}},
	} {
		status, _, body := p.do(r.method, r.target, r.body, r.headers...)
		if strings.Contains(body, `"error":"OK"`) {
			t.Errorf("%s: %d %.200s", name, status, body)
		}
	}
	var answer struct{ IDs string }
	p.action("removed", &answer)
	if answer.IDs != "" {
		t.Errorf("these requests have deleted: %s", answer.IDs)
	}
	p.do("POST", "/api/remove", "id=curl", form...)
	p.do("DELETE", "/users/route", "")
	if p.action("removed", &answer); answer.IDs != "curl,route" {
		t.Errorf("a client that is no browser has deleted %q", answer.IDs)
	}
}

// No page of another site reads an answer as a script with the cookies of a visitor.
func TestAnswersAreNoScripts(t *testing.T) {
	p := startProcess(t)
	_, header, body := p.do("GET", "/api/status?callback=f", "", "Cookie", "session=1", "Sec-Fetch-Site", "cross-site")
	if strings.HasPrefix(body, "f(") || strings.Contains(header.Get("Content-Type"), "javascript") {
		t.Errorf("the answer is a script: %.100s", body)
	}
}

// A name that an attacker points at 127.0.0.1 reaches nothing of a server that listens there.
func TestNamesOfAttackersReachNothing(t *testing.T) {
	p := startProcess(t)
	if status, _, body := p.do("GET", "/api/status", "", "Host", "attacker.example"); status == http.StatusOK {
		t.Errorf("an action: %.100s", body)
	}
	if status, _, _ := p.do("GET", "/public/a.css", "", "Host", "attacker.example"); status == http.StatusOK {
		t.Error("a file is served")
	}
	nc := p.dial(p.http)
	p.send(nc, "GET /ws HTTP/1.1\r\nHost: attacker.example\r\nOrigin: http://attacker.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if line, err := bufio.NewReader(nc).ReadString('\n'); err != nil || strings.Contains(line, " 101 ") {
		t.Errorf("the upgrade: %q %v", line, err)
	}
}

// A browser that posts a form to the TCP port runs no command.
func TestTCPRunsNothingOfAnHTTPRequest(t *testing.T) {
	p := startProcess(t)
	nc := p.dial(p.tcp)
	p.send(nc, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n{\"action\":\"remove\",\"params\":{\"id\":\"form\"}}\r\nquit\r\n")
	_, _ = io.ReadAll(nc)
	var answer struct{ IDs string }
	if p.action("removed", &answer); answer.IDs != "" {
		t.Errorf("the command has run: %s", answer.IDs)
	}
}

// Another spelling of a path does not reach around the handler that is mounted there.
func TestOtherSpellingsOfAPathAreNotServed(t *testing.T) {
	p := startProcess(t)
	for _, path := range []string{"/public/private/f", "/public/private%2ff", "/public/private%2Ff", "/public/private%5cf", "/public//private/f", "/public/x/..%2fprivate/f", "/file/private%2ff"} {
		if status, _, body := p.do("GET", path, ""); status == http.StatusOK || strings.Contains(body, "private text") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _, body := p.do("POST", "/public/private/f", ""); status == http.StatusOK {
		t.Errorf("POST: %d %s", status, body)
	}
}

// Files that begin with a dot hold secrets and are not served, on any transport.
func TestDotFilesAreNotServed(t *testing.T) {
	p := startProcess(t)
	for _, name := range []string{".env", ".git/config"} {
		for _, path := range []string{"/public/" + name, "/file/" + name, "/api/file?fileName=" + name, "/public/%2e" + name[1:]} {
			if status, _, body := p.do("GET", path, ""); status == http.StatusOK || strings.Contains(body, "hunter2") {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
		if answer, err := p.lines().Call(`{"action":"file","params":{"fileName":"` + name + `"}}`); err != nil || strings.Contains(answer, "hunter2") {
			t.Errorf("over TCP, %s: %s %v", name, answer, err)
		}
	}
}

// A thousand clients that connect at once and read are never cut off, although each hears of all others.
func TestClientsThatReadAreNotCutOff(t *testing.T) {
	p := startProcess(t, "ACTIONHERO_GENERAL_ANNOUNCE_LIMIT=100000", "ACTIONHERO_WEB_SOCKETS_PING_TIMEOUT=60s")
	const clients, rounds = 1000, 12
	for round := range rounds {
		var ready, done sync.WaitGroup
		start, leave := make(chan struct{}), make(chan struct{})
		cut := make(chan string, clients)
		ready.Add(clients)
		for range clients {
			done.Go(func() {
				nc, err := net.Dial("tcp", p.http)
				if err != nil {
					ready.Done()
					cut <- err.Error()
					return
				}
				defer nc.Close()
				ready.Done()
				<-start
				ws, err := testkit.OpenWS(nc, "", 30*time.Second)
				if err != nil {
					cut <- err.Error()
					return
				}
				go func() {
					<-leave
					nc.Close()
				}()
				for {
					if _, err := ws.Message(); err != nil {
						select {
						case <-leave:
						default:
							cut <- err.Error()
						}
						return
					}
				}
			})
		}
		ready.Wait()
		close(start)
		all := func() bool {
			var answer struct {
				Stats struct {
					WebSocketServer struct{ NumberOfLocalActiveWebSocketClients int }
				}
			}
			p.action("status", &answer)
			return answer.Stats.WebSocketServer.NumberOfLocalActiveWebSocketClients >= clients || len(cut) > 0
		}
		if !testkit.Within(30*time.Second, all) {
			t.Error("not all clients are connected")
		}
		close(leave)
		done.Wait()
		if len(cut) > 0 {
			t.Fatalf("round %d: %d of %d clients are cut off: %s", round, len(cut), clients, <-cut)
		}
	}
}

// A Content without a Body or with a Body that panics ends its own request, and nothing else.
func TestBrokenContentEndsOneRequest(t *testing.T) {
	p := startProcess(t)
	for _, name := range []string{"nothing", "breaks"} {
		t.Run(name, func(t *testing.T) {
			nc := p.dial(p.tcp)
			_ = nc.SetReadDeadline(time.Now().Add(atOnce))
			p.send(nc, name+"\nrandomNumber\nquit\n")
			text, err := io.ReadAll(nc)
			if err != nil || !strings.Contains(string(text), `"error"`) && name == "nothing" {
				t.Errorf("over TCP: %.300q %v", text, err)
			}
		})
	}
	if status, _, body := p.do("GET", "/api/nothing", ""); status != http.StatusInternalServerError {
		t.Errorf("over HTTP: %d %s", status, body)
	}
	before := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := p.cmd.Process.Wait(); err != nil || time.Since(before) > atOnce {
		t.Errorf("the stop takes %v, %v", time.Since(before), err)
	}
}
