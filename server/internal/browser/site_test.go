package browser_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// proxied puts a proxy with a path prefix in front of the site, and returns the URL of the prefix.
func proxied(t testing.TB, s *site) string {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	front := httptest.NewServer(http.StripPrefix("/some/app", proxy))
	t.Cleanup(front.Close)
	return front.URL + "/some/app"
}

// works waits until the page is live, and uses each transport and the chat.
func (p *tab) works() {
	p.t.Helper()
	p.waitText("#live", "Live")
	p.waitText("#chat-note", "You are guest")
	p.wait(`document.querySelector("details[open] button")`)
	for _, transport := range []string{"HTTP", "WebSocket", "Socket.IO"} {
		p.choose(transport)
		p.run(p.show("randomNumber"), transport, `"randomNumber": `)
	}
	p.say("hello")
}

// The page works behind a path prefix, for example one of nginx.
func TestPageBehindAPathPrefix(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	prefix := proxied(t, s)
	p := newChromium(t).open(prefix + "/public/")
	p.works()
	p.waitText("#sample-http", "curl "+prefix+"/api/randomNumber")
	p.waitText("#sample-browser", `"/some/app/public/javascript/actionhero.js"`)
}

// The page follows the settings: other paths, an id of the node without ports, and the port of TCP.
func TestPageFollowsTheSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *server.Config) {
		cfg.CommonWeb.URLPathForActions, cfg.CommonWeb.URLPathForFiles, cfg.General.ID = "v1", "assets", "node-7"
	})
	p := newChromium(t).open(s.url + "/assets/")
	p.works()
	p.waitText("#sample-http", "/v1/randomNumber")
	_, port, _ := strings.Cut(s.TCPAddr().String(), ":")
	p.waitText("#sample-tcp", "nc 127.0.0.1 "+port)
}

// An app without the action status has a page that is live, and no empty boxes.
func TestPageWithoutStatus(t *testing.T) {
	t.Parallel()
	cfg := server.Config{}
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP, cfg.TCPServer.Port, cfg.Tasks.Memory, cfg.General.Log = -1, "127.0.0.1", -1, true, slog.New(slog.DiscardHandler)
	s, err := server.New(cfg, builtin.ActionsView, builtin.RandomNumber)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	p := newChromium(t).open("http://" + s.Web.Addr().String() + "/public/")
	p.works()
	p.wait(`document.querySelector("#status").hidden`)
}

// exact answers a number that JavaScript does not hold.
var exact = actionhero.Action[actionhero.None, struct {
	N int64 `json:"n"`
}]{
	Name: "exact", Description: "Answers a large number",
	Run: func(context.Context, actionhero.None) (out struct {
		N int64 `json:"n"`
	}, err error) {
		out.N = 9007199254740993
		return out, nil
	},
}

func TestPageShowsNumbersAsTheyCame(t *testing.T) {
	t.Parallel()
	p := newChromium(t).page(newSite(t, nil, exact))
	for _, transport := range []string{"HTTP", "WebSocket"} {
		p.choose(transport)
		p.run(p.show("exact"), transport, `"n": 9007199254740993`)
	}
}

// fieldsInput has a secret and a file.
type fieldsInput struct {
	Password string           `json:"password" required:"true" secret:"true"`
	Upload   *actionhero.File `json:"upload"`
}

var fields = actionhero.Action[fieldsInput, map[string]int64]{
	Name: "fields", Description: "Takes a secret and a file",
	Run: func(_ context.Context, in fieldsInput) (map[string]int64, error) {
		if in.Upload == nil {
			return map[string]int64{"size": 0}, nil
		}
		return map[string]int64{"size": in.Upload.Size}, nil
	},
}

// A secret is typed into a password field, and a file is chosen and sent over HTTP.
func TestPageHasFieldsForSecretsAndFiles(t *testing.T) {
	t.Parallel()
	p := newChromium(t).page(newSite(t, nil, fields))
	form := p.show("fields")
	p.wait(`document.querySelector("[data-name=fields] [name=password]").type === "password"`)
	p.fill(form+" [name=password]", "hunter2")
	p.run(form, "HTTP", `"size": 0`)
	p.eval(`(() => {
		const files = new DataTransfer();
		files.items.add(new File(["seven b"], "a.txt"));
		document.querySelector("[data-name=fields] [type=file]").files = files.files;
	})()`, nil)
	p.run(form, "HTTP", `"size": 7`)
	p.choose("WebSocket")
	p.run(form, "WebSocket", "files go over HTTP")
}

// The page obeys a policy of trusted types, also when it loads the client of Socket.IO.
func TestPageUnderTrustedTypes(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *server.Config) {
		cfg.CommonWeb.HTTPHeaders = map[string]string{"Content-Security-Policy": "default-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"}
	})
	newChromium(t).page(s).works()
}

// Long words do not make the page wider than a small window, and without colours a border tells one's own messages.
func TestPageOnASmallWindowAndWithoutColours(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("w", 60)
	long := actionhero.Action[struct {
		In string `json:"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"`
	}, actionhero.None]{
		Name: word, Description: strings.Repeat("d", 200),
		Run: func(context.Context, struct {
			In string `json:"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"`
		}) (n actionhero.None, err error) {
			return n, actionhero.Errorf(actionhero.CodeConflict, "%s", strings.Repeat("e", 300))
		},
	}
	s := newSite(t, func(cfg *server.Config) { cfg.General.ServerName = strings.Repeat("n", 120) }, long)
	p := newChromium(t).page(s)
	p.look(320, 640, "light")
	p.run(p.show(word), "HTTP", "eeee")
	p.join(strings.Repeat("r", 100))
	p.say(strings.Repeat("s", 300))
	var wide []string
	p.eval(tooWide, &wide)
	if len(wide) > 0 {
		t.Errorf("too wide for 320 pixels: %q", wide)
	}
	p.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "forced-colors", "value": "active"}}}, nil)
	p.wait(`getComputedStyle(document.querySelector(".said.own")).borderLeftWidth === "2px"`)
}

// An app with files of its own still serves the client and its types.
func TestClientNextToOwnFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *server.Config) { cfg.General.FlatFileDirectory = t.TempDir() })
	for name, part := range map[string]string{"actionhero.js": "export class ActionHero", "actionhero.d.ts": "export class ActionHero", "start/site.json": `"webSocket":"/ws"`} {
		res, err := http.Get(s.url + "/public/javascript/" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), part) {
			t.Errorf("%s: %d %.100s %v", name, res.StatusCode, body, err)
		}
	}
}

// roomPage is a page of an app that logs in once, and not again after a reconnect.
const roomPage = `<!doctype html><p id="state"></p><ul id="log"></ul><script type="module">
import { ActionHero } from "/public/javascript/actionhero.js";
const client = window.client = new ActionHero({ reconnect: { min: 100, max: 500 } });
const log = (text) => document.querySelector("#log").append(Object.assign(document.createElement("li"), { textContent: text }));
for (const event of ["open", "message", "notice", "rooms", "close", "error"]) {
	client.on(event, (value) => log(event + " " + (value instanceof Error ? value.message : JSON.stringify(value))));
}
client.on("open", () => (document.querySelector("#state").textContent = "open"));
client.on("close", () => (document.querySelector("#state").textContent = "closed"));
window.outcome = (promise) => promise.then(() => "ok", (error) => error.code + ": " + error.message);
</script>`

// membersOnly refuses the room members to a connection that did not call the action enter.
var membersOnly = actionhero.Parts{
	actionhero.Action[actionhero.None, actionhero.None]{
		Name: "enter", Description: "Makes this connection a member",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			return n, actionhero.RequestFrom(ctx).Conn.SetDetail("member", true)
		},
	},
	actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, room string) error {
		if room == "members" && c.Detail("member") == nil {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "members only")
		}
		return nil
	}},
}

// promote is an action that moves its caller.
var promote = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "promote", Description: "Moves the caller to the room team, and lets it listen to news",
	Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		req := actionhero.RequestFrom(ctx)
		if err := req.API.Rooms.Move(ctx, req.Conn, "team"); err != nil {
			return n, err
		}
		return n, req.API.Rooms.Join(ctx, req.Conn, "news")
	},
}

// A client knows the rooms into which code of the server has put it, and is back in them after a restart.
func TestAClientFollowsTheServerThatMovesIt(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, roomPage)
	})
	s := newSite(t, func(cfg *server.Config) { cfg.CommonWeb.HTTPHeaders = nil }, promote, web.Mount("/rooms", page))
	p := newChromium(t).open(s.url + "/rooms")
	p.waitText("#state", "open")
	const where = `JSON.stringify([client.room, [...client.rooms]])`
	p.wait(where + ` === '["defaultRoom",[]]'`)
	p.wait(`outcome(client.action("promote")).then((got) => got === "ok")`)
	p.waitText("#log", `rooms {"room":"team","rooms":["news"]}`)
	p.wait(where + ` === '["team",["news"]]'`)
	s.Stop()
	p.waitText("#state", "closed")
	s.Start()
	p.waitText("#state", "open")
	p.wait(where + ` === '["team",["news"]]'`)
	for _, room := range []string{"team", "news"} {
		if status, err := s.Rooms.Status(t.Context(), room); err != nil || status.MembersCount != 1 {
			t.Errorf("after the restart the room %s has %d members, %v", room, status.MembersCount, err)
		}
	}
}

// A message for a room that refuses the client after a restart reaches no other room. The page learns of it.
func TestMessagesForALostRoomReachNoOtherRoom(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, roomPage)
	})
	s := newSite(t, func(cfg *server.Config) { cfg.CommonWeb.HTTPHeaders = nil }, membersOnly, web.Mount("/rooms", page))
	p := newChromium(t).open(s.url + "/rooms")
	p.waitText("#state", "open")
	var answer string
	ask := func(script, want string) {
		t.Helper()
		p.eval("outcome("+script+")", &answer)
		if !strings.HasPrefix(answer, want) {
			t.Errorf("%s: %s, want %s", script, answer, want)
		}
	}
	ask(`client.action("enter").then(() => client.roomChange("members"))`, "ok")
	ask(`client.say("for members")`, "ok")

	s.Stop()
	p.waitText("#state", "closed")
	s.Start()
	p.waitText("#state", "open")
	stranger := s.TCP(t)
	p.waitText("#log", `open {"refusedRooms":["members"]}`)
	p.waitText("#log", "error members only")
	ask(`client.say("for members")`, "room: the room members has refused this client: choose one with roomChange")
	ask(`client.say("for members", { room: "members" })`, "room:")
	ask(`client.roomChange("members")`, "server: members only")
	ask(`client.action("enter").then(() => client.roomChange("members"))`, "ok")
	ask(`client.say("for members")`, "ok")
	ask(`client.roomChange("defaultRoom").then(() => client.say("for all"))`, "ok")
	for {
		line := stranger.Next()
		if strings.Contains(line, "for members") {
			t.Errorf("a stranger reads %s", line)
		}
		if strings.Contains(line, "for all") {
			break
		}
	}
}

// cut closes the connection of its caller.
var cut = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "cut", Description: "Closes your connection",
	Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		actionhero.RequestFrom(ctx).Conn.Close("cut by the test")
		return n, nil
	},
}

// A page whose connection the server closes learns the reason and stays away, until its user loads it again.
func TestClosedConnectionInABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, cut)
	b := newChromium(t)
	p := b.page(s)
	p.choose("WebSocket")
	p.click(p.show("cut") + " button")
	p.waitText("#log", "The server has closed the connection: cut by the test")
	p.waitText("#chat-note", "Not connected. Reload the page to try again.")
	p.waitText("#tiles", "1") // the status still comes over HTTP
	p.wait(`[...document.querySelectorAll("#tiles div")].find((d) => d.querySelector("dt").textContent === "WebSocket clients").querySelector("dd").textContent === "0"`)
	b.page(s).say("hello")
}

// freezer is a proxy that can stop to carry bytes without closing a connection, as the network of a machine that has
// slept or moved to another one.
type freezer struct {
	net.Listener
	mu     sync.Mutex
	frozen []net.Conn // the connections of browsers, from before the freeze
	open   []net.Conn
}

func newFreezer(t testing.TB, target string) *freezer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{Listener: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			f.mu.Lock()
			f.open = append(f.open, in, out)
			f.mu.Unlock()
			wg.Go(func() { f.carry(in, out) })
			wg.Go(func() { f.carry(out, in) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.mu.Lock()
		for _, nc := range f.open {
			nc.Close()
		}
		f.mu.Unlock()
		wg.Wait()
	})
	return f
}

// carry copies bytes until one side ends. Bytes of a frozen connection are lost.
func (f *freezer) carry(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		f.mu.Lock()
		lost := slices.Contains(f.frozen, from) || slices.Contains(f.frozen, to)
		f.mu.Unlock()
		if err == nil && !lost {
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			if !lost {
				to.Close()
			}
			return
		}
	}
}

// freeze freezes all connections that are open now.
func (f *freezer) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = append(f.frozen, f.open...)
}

// A connection that is dead without a sign is noticed when the machine is on line again and when the page is seen
// again, not after the heartbeat of 30 seconds.
func TestDeadConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	f := newFreezer(t, s.Web.Addr().String())
	for _, wake := range []string{`dispatchEvent(new Event("online"))`, `document.dispatchEvent(new Event("visibilitychange"))`} {
		p := newChromium(t).open("http://" + f.Addr().String() + "/public/")
		p.waitText("#chat-note", "You are guest")
		f.freeze()
		p.eval(wake, nil)
		p.waitText("#log", "Connected again.")
		p.waitText("#chat-note", "You are guest")
		p.say("awake")
	}
}
