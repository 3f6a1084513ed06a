package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// desk builds the example desk, a module of its own, and starts it in an empty folder with its configuration. It returns
// the address, and a function that runs a command of the desk.
func desk(t *testing.T) (url string, command func(args ...string) *exec.Cmd) {
	t.Helper()
	public, err := filepath.Abs("../../../examples/desk/public")
	if err != nil {
		t.Fatal(err)
	}
	return deskWith(t, public)
}

// deskWith is desk with another folder of public files, and with further settings.
func deskWith(t *testing.T, public string, env ...string) (url string, command func(args ...string) *exec.Cmd) {
	t.Helper()
	source, err := filepath.Abs("../../../examples/desk")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "desk")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	config, err := os.ReadFile(filepath.Join(source, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	port := testkit.FreePort(t)
	command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), fmt.Sprint("ACTIONHERO_HTTP_SERVER_PORT=", port), "ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1",
			"ACTIONHERO_TCP_SERVER_ENABLE=false", "ACTIONHERO_GENERAL_FLAT_FILE_DIRECTORY="+public)
		cmd.Env = append(cmd.Env, env...)
		return cmd
	}
	server := command("start")
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		if err := server.Wait(); err != nil || t.Failed() {
			t.Errorf("the desk ends with %v, and its log is\n%s", err, log.String())
		}
	})
	url = fmt.Sprint("http://127.0.0.1:", port)
	testkit.Eventually(t, "the desk is ready", func() bool {
		resp, err := http.Get(url + "/healthz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return url, command
}

// user signs a user up in a browser of its own, so that each has its own cookies.
func (b *chromium) user(url, name string) *tab {
	b.t.Helper()
	p := b.openIn(b.newContext(), url+"/public/")
	p.wait(`!document.querySelector("#door").hidden`)
	p.fill(`#signup [name="email"]`, name+"@example.com")
	p.fill(`#signup [name="name"]`, name)
	p.fill(`#signup [name="password"]`, "a long secret of "+name)
	p.click("#signup button")
	p.waitText("#state", name+" (customer), live")
	return p
}

// Two users look at one ticket. The agent removes the customer, whose browser then receives nothing more of it.
func TestTheDeskHidesATicketWhileItsCustomerLooks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the desk is stopped by an interrupt, which Windows has not")
	}
	url, command := desk(t)
	b := newChromium(t)
	ann, eve := b.user(url, "ann"), b.user(url, "eve")
	if out, err := command("action", "--running", "userRole", "--email=eve@example.com", "--role=agent").CombinedOutput(); err != nil {
		t.Fatalf("the command line gives no role: %v: %s", err, out)
	}
	// Her connection was closed, and the page has come back with the new role.
	eve.waitText("#state", "eve (agent), live")

	ann.fill(`#open [name="subject"]`, "It <b>rains</b> in")
	ann.fill(`#open [name="text"]`, "Help!")
	ann.click("#open button")
	ann.waitText("#subject", "#1 It <b>rains</b> in")
	eve.waitText("#problem", "Ticket 1 is opened")
	eve.click("#list button")
	eve.waitText("#answers", "Help!")
	eve.answer("Close the window.")
	ann.waitText("#answers", "Close the window.")
	ann.answer("It has none.")
	eve.waitText("#answers", "It has none.")

	eve.click("#participants button")
	ann.waitText("#problem", "You do not take part in this ticket any more.")
	ann.wait(`document.querySelector("#ticket").hidden && !document.querySelector("#ticket").textContent.includes("window")`)
	eve.wait(`document.querySelectorAll("#participants li").length === 0`)
	eve.answer("The customer is difficult.")
	eve.waitText("#answers", "The customer is difficult.")
	// An answer to ann comes behind all that was sent to her before.
	ann.click("#filter button")
	ann.wait(`document.querySelectorAll("#list button").length === 0`)
	if frames := strings.Join(ann.received(), "\n"); strings.Contains(frames, "difficult") || !strings.Contains(frames, "Close the window.") {
		t.Errorf("the browser of the removed customer has received\n%s", frames)
	}
	var status int
	ann.eval(`fetch("/tickets/1").then((r) => r.status)`, &status)
	if status != http.StatusNotFound {
		t.Errorf("the removed customer reads the ticket: %d", status)
	}
}

func (p *tab) answer(text string) {
	p.t.Helper()
	p.fill(`#answer [name="text"]`, text)
	p.click("#answer button")
	p.waitText("#answers", text)
}
