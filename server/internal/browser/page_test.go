package browser_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

// page opens the start page and waits until all of it is there.
func (b *chromium) page(s *site) *tab {
	b.t.Helper()
	p := b.open(s.url + "/public/")
	p.waitText("#live", "Live")
	p.waitText("#chat-note", "You are guest")
	p.wait(`document.querySelector("details[open] button")`)
	return p
}

// join takes the page's chat to a room.
func (p *tab) join(room string) {
	p.t.Helper()
	p.fill("#room", room)
	p.click("#room-form button")
	p.waitText("#log", "You are in "+room+" now.")
}

func (p *tab) say(text string) {
	p.t.Helper()
	p.fill("#say", text)
	p.click("#say-form button")
	p.wait(fmt.Sprintf(`[...document.querySelectorAll(".said.own span")].at(-1)?.textContent === %q && document.querySelector("#say").value === ""`, text))
}

// hears waits until someone else has said a text.
func (p *tab) hears(text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`[...document.querySelectorAll(".said:not(.own) span")].some((s) => s.textContent === %q)`, text))
}

// choose chooses a transport.
func (p *tab) choose(transport string) {
	p.t.Helper()
	p.click(fmt.Sprintf(`#transports input[value=%q]`, transport))
	p.wait(fmt.Sprintf(`document.querySelector("#transports input:checked").value === %q`, transport))
}

// show opens the form of an action.
func (p *tab) show(action string) (form string) {
	p.t.Helper()
	item := fmt.Sprintf(`[data-name=%q]`, action)
	p.eval(fmt.Sprintf(`document.querySelector(%q).open = true`, item), nil)
	return item
}

// run runs an action in its form and waits for an answer that came over the transport and contains a text.
func (p *tab) run(form, transport, text string) {
	p.t.Helper()
	p.click(form + " button")
	p.waitText(form+" .answer [role=status]", transport+" · ")
	p.waitText(form+" .answer", text)
	p.wait(fmt.Sprintf(`document.querySelector(%q).ariaBusy !== "true"`, form+" button"))
}

func TestTwoPagesChat(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := newChromium(t)
	one, two, elsewhere := b.page(s), b.page(s), b.page(s)
	one.join("kitchen")
	two.join("kitchen")
	one.waitText("#log", "came in")
	one.waitText("#members", "2 in kitchen")
	one.say("Is anybody here?")
	two.hears("Is anybody here?")
	two.say("<img src=x onerror=alert(1)> \"quoted\" & ünïcödé 🎈")
	one.hears("<img src=x onerror=alert(1)> \"quoted\" & ünïcödé 🎈")
	one.wait(`document.querySelector("#log img") === null`)
	two.join("hall")
	one.waitText("#log", "left")
	one.waitText("#members", "1 in kitchen")
	elsewhere.wait(`document.querySelector(".said") === null`)
}

func TestRestartIsSurvived(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := newChromium(t)
	one, two := b.page(s), b.page(s)
	one.join("kitchen")
	two.join("kitchen")
	form := one.show("cacheTest")
	one.fill(form+" [name=key]", "typed before")
	one.fill(form+" [name=value]", "lost?")
	one.fill("#say", "typed before, too")
	s.Stop()
	for _, p := range []*tab{one, two} {
		p.waitText("#live", "Reconnecting…")
		p.waitText("#chat-note", "Not connected. Trying again…")
		p.waitText("#log", "The connection was lost.")
	}
	one.click("#say-form button") // nothing is sent, nothing is lost
	one.run(form, "HTTP", "HTTP: ")
	s.Start()
	for _, p := range []*tab{one, two} {
		p.waitText("#live", "Live")
		p.waitText("#log", "Connected again.")
		p.waitText("#chat-note", "You are guest")
	}
	one.wait(`document.querySelector("#say").value === "typed before, too"`)
	one.click("#say-form button")
	two.hears("typed before, too")
	two.say("welcome back")
	one.hears("welcome back")
	one.wait(fmt.Sprintf(`document.querySelector(%q).value === "typed before"`, form+" [name=key]"))
	one.run(form, "HTTP", `"value": "lost?"`)
	form = one.show("randomNumber")
	one.choose("WebSocket")
	one.run(form, "WebSocket", `"randomNumber": 0.`)
	one.choose("Socket.IO")
	one.run(form, "Socket.IO", `"randomNumber": `)
}

func TestActionOverEachTransport(t *testing.T) {
	t.Parallel()
	p := newChromium(t).page(newSite(t, nil))
	for transport, sent := range map[string]string{
		"HTTP": "GET /api/randomNumber", "WebSocket": `{"event":"action","messageId":1,"params":{"action":"randomNumber"}}`,
		"Socket.IO": `emit("action", {"action":"randomNumber"})`,
	} {
		p.choose(transport)
		form := p.show("randomNumber")
		p.run(form, transport, `"randomNumber": `)
		p.waitText(form+" .sent", sent)
		p.waitText(form+" [data-state=good] b", "OK")
		form = p.show("cacheTest")
		p.fill(form+" [name=key]", "<key>")
		p.fill(form+" [name=value]", transport+` "quoted" <b>`)
		p.run(form, transport, `"loadResp"`)
		p.waitText(form+" .got", fmt.Sprintf(`"value": %q`, transport+` "quoted" <b>`))
		form = p.show("refuse")
		p.fill(form+" input", "7")
		p.run(form, transport, "<b>You</b> may not")
		p.waitText(form+" [data-state=bad] b", "<b>You</b> may not")
		p.fill(form+" input", "seven")
		p.run(form, transport, "<size> must be a whole number")
	}
	p.wait(`document.querySelector("#action-list img, .answer b b") === null`)
	p.waitText(`[data-name=refuse] summary`, "Refuses <img src=x onerror=alert(1)>")
	p.choose("HTTP")
	form := p.show("file")
	p.fill(form+" input", "style.css")
	p.run(form, "HTTP", "color-scheme: light dark")
	p.fill(form+" input", "nope.txt")
	p.run(form, "HTTP", "Not Found")
	p.click(p.show("cacheTest") + " summary")
	p.wait(`document.querySelector("[data-name=cacheTest]").open === false`)
}

// The form of an action with idempotency keys has a key. Over each transport, a further run with it gets the same answer.
func TestTheFormOfAnActionHasItsIdempotencyKey(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	pay := actionhero.Action[actionhero.None, map[string]int64]{Name: "pay", Description: "Pays", IdempotencyKey: actionhero.KeyRequired, Run: func(context.Context, actionhero.None) (map[string]int64, error) {
		return map[string]int64{"runs": runs.Add(1)}, nil
	}}
	p := newChromium(t).page(newSite(t, nil, pay))
	form := p.show("pay")
	for i, transport := range []string{"HTTP", "WebSocket", "Socket.IO"} {
		p.choose(transport)
		p.fill(form+" input", fmt.Sprintf(`key "%d" \`, i))
		for range 2 {
			p.run(form, transport, fmt.Sprintf(`"runs": %d`, i+1))
		}
		p.waitText(form+" .sent", "key")
	}
	p.fill(form+" input", `key "0" \`)
	p.run(form, "Socket.IO", `"runs": 1`) // the transports share the keys
	p.wait(`document.querySelector("[data-name=randomNumber] [id^=key-of]") === null`)
}

// A transport that the server does not serve is said to be off; the rest of the page works.
func TestTransportsThatAreOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *server.Config) { cfg.WebSockets.Enable = new(false) })
	p := newChromium(t).open(s.url + "/public/")
	p.waitText("#chat-note", "No connection to /ws: it may be off on this server.")
	p.wait(`document.querySelector("details[open] button")`)
	form := p.show("randomNumber")
	p.choose("Socket.IO")
	p.waitText("#transport-note", "Socket.IO is off: this server has no /public/javascript/socket.io.js.")
	p.run(form, "Socket.IO", "Socket.IO: this server has no")
	p.choose("WebSocket")
	p.run(form, "WebSocket", "there is no connection to /ws now")
	p.choose("HTTP")
	p.run(form, "HTTP", `"randomNumber"`)
	p.wait(`document.querySelector("#transport-note").textContent === ""`)
}

func TestStatusRefreshes(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *server.Config) { cfg.General.ServerName, cfg.General.ID = "<i>My</i> API", "node-7" })
	p := newChromium(t).page(s)
	p.waitText("#server", "<i>My</i> API")
	p.wait(`document.title === "<i>My</i> API"`)
	p.waitText("#version", "node node-7")
	const up = `[...document.querySelectorAll("#tiles div")].find((d) => d.querySelector("dt").textContent === "up").querySelector("dd").textContent`
	var before string
	p.eval(up, &before)
	p.wait(fmt.Sprintf("%s !== %q", up, before))
	// A hidden page sends no requests. As soon as it is visible again, it sends one.
	p.eval(`window.asked = 0; const real = fetch; fetch = (...all) => { asked++; return real(...all); };
		Object.defineProperty(document, "hidden", { value: false, writable: true });
		document.hidden = true; document.dispatchEvent(new Event("visibilitychange"))`, nil)
	p.eval(`asked = 0; document.hidden = false; document.dispatchEvent(new Event("visibilitychange"))`, nil)
	p.wait("asked > 0")
}

// All of the page works without a mouse, and the focus is visible.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := newChromium(t)
	p, other := b.page(s), b.page(s)
	p.keys("Tab")
	p.wait(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().top >= 0`)
	p.keys("Enter")
	p.wait(`document.activeElement.id === "actions"`)
	p.keys("Tab") // the transports are one stop
	p.wait(`document.activeElement.value === "HTTP"`)
	p.keys("ArrowRight")
	p.wait(`document.querySelector("#transports input:checked").value === "WebSocket"`)
	seen := p.tabThrough()
	for _, stop := range []string{"summary randomNumber", "button Run", "input Room", "button Join", "div Messages", "input Message", "button Send"} {
		if !seen[stop] {
			t.Errorf("the tab key does not reach %q, only %v", stop, seen)
		}
	}
	p.eval(`document.querySelector("[data-name=refuse] summary").focus()`, nil)
	p.keys("Enter")
	p.wait(`document.querySelector("[data-name=refuse]").open`)
	p.keys("Tab", "7", "Enter")
	p.waitText("[data-name=refuse] .answer", "<b>You</b> may not")
	p.waitText("[data-name=refuse] .answer", "WebSocket · ")
	p.eval(`document.querySelector("#room").select()`, nil)
	p.keys("kitchen", "Enter")
	p.wait(`document.activeElement.id === "say"`)
	other.join("kitchen")
	p.keys("without a mouse", "Enter")
	other.hears("without a mouse")
	p.wait(`document.activeElement.id === "say"`)
}

// tabThrough presses Tab until the focus leaves the page, and returns the kind and name of each element that had
// it. The test fails if an element has no name, or does not show that it has the focus.
func (p *tab) tabThrough() map[string]bool {
	p.t.Helper()
	seen := map[string]bool{}
	for range 100 {
		p.keys("Tab")
		var stop struct {
			Kind, Name string
			Visible    bool
		}
		p.eval(`(() => {
			const e = document.activeElement;
			const shown = e.type === "radio" ? e.nextSibling : e;
			const name = e.ariaLabel || (e.labels?.[0] ?? e.querySelector("b") ?? e).textContent.trim();
			return { Kind: e.localName, Name: name, Visible: getComputedStyle(shown).outlineStyle === "solid" };
		})()`, &stop)
		if stop.Kind == "body" {
			return seen
		}
		if stop.Name == "" || !stop.Visible {
			p.t.Errorf("%+v has no name or does not show that it has the focus", stop)
		}
		seen[stop.Kind+" "+stop.Name] = true
	}
	p.t.Error("the tab key does not come to the end of the page")
	return seen
}

// The page fits windows of all sizes and its texts can be read, in the light and in the dark. `go test -run Looks
// -artifacts` keeps pictures of it.
func TestLooks(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := newChromium(t)
	p, other := b.page(s), b.page(s)
	p.run(p.show("refuse"), "HTTP", "You")
	p.run(p.show("randomNumber"), "HTTP", "OK")
	other.say("Hello from the other tab!")
	p.say("Hi! This is a message that is long enough to need a second line, and " +
		"averyveryveryveryveryveryveryverylongwordinit")
	pictures := t.ArtifactDir()
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range [][2]int{{1280, 800}, {768, 1024}, {390, 844}, {360, 640}} {
			p.look(size[0], size[1], scheme)
			name := fmt.Sprintf("%s-%d", scheme, size[0])
			var wide, faint []string
			p.eval(tooWide, &wide)
			p.eval(tooFaint, &faint)
			if len(wide) > 0 || len(faint) > 0 {
				t.Errorf("%s: too wide for the window: %q; too faint to read: %q", name, wide, faint)
			}
			p.keep(filepath.Join(pictures, name+".png"), false)
			p.keep(filepath.Join(pictures, name+"-whole.png"), true)
		}
	}
	s.Stop()
	p.waitText("#chat-note", "Not connected. Trying again…")
	p.look(1280, 800, "light")
	p.keep(filepath.Join(pictures, "light-1280-stopped.png"), false)
}

// keep writes a picture of the window, or of the whole page.
func (p *tab) keep(file string, whole bool) {
	p.t.Helper()
	p.must(os.WriteFile(file, p.screenshot(whole), 0o644))
}

// tooWide lists what stands out of the window.
const tooWide = `(() => {
	scrollTo(0, 0);
	const all = [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.closest(".quiet, .segments, pre"));
	const out = all.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 80));
	return document.documentElement.scrollWidth > innerWidth ? [document.documentElement.scrollWidth + " pixels", ...out] : out;
})()`

// tooFaint lists texts whose contrast is below the 4.5 of WCAG 2.2, criterion 1.4.3.
const tooFaint = `(() => {
	const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const [r, g, b, alpha = 1] = rgb(getComputedStyle(e).backgroundColor);
			if (alpha === 1) return [r, g, b];
		}
		return [255, 255, 255];
	};
	const faint = [];
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; (node = texts.nextNode());) {
		const e = node.parentElement;
		if (!node.data.trim() || !e.checkVisibility() || e.localName === "noscript") continue;
		const [light, dark] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))].sort((a, b) => b - a);
		if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push(node.data.slice(0, 40));
	}
	return faint;
})()`
