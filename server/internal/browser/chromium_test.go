package browser_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// chromium is a headless browser, spoken to in the Chrome DevTools Protocol over a pipe: JSON objects, each with a
// zero byte after it.
type chromium struct {
	t      testing.TB
	write  io.WriteCloser
	ctx    context.Context // ends with the browser
	cancel context.CancelFunc

	mu      sync.Mutex
	lastID  int
	pending map[int]chan reply
	tabs    map[string]*tab // by session
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// newChromium starts a browser with a fresh profile that ends with the test.
func newChromium(t testing.TB) *chromium {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, _ = exec.LookPath(name); path != "" {
			break
		}
	}
	if path == "" {
		t.Fatal("no chromium or google-chrome on the PATH: install one, on Debian and Ubuntu with apt-get install chromium")
	}
	toBrowser, write := pipe(t)
	read, fromBrowser := pipe(t)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--disable-crash-reporter", "--force-color-profile=srgb", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser}
	cmd.Env = append(os.Environ(), "LANG=en_US.UTF-8")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = toBrowser.Close(), fromBrowser.Close()
	b := &chromium{t: t, write: write, pending: map[int]chan reply{}, tabs: map[string]*tab{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() { b.read(read) })
	t.Cleanup(func() {
		kill := time.AfterFunc(browserWait, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = b.call("", "Browser.close", nil, nil)
		_ = write.Close()
		reading.Wait() // the pipe ends when the browser's processes have gone
		_ = cmd.Wait()
	})
	return b
}

func pipe(t testing.TB) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return read, write
}

func (b *chromium) read(from io.ReadCloser) {
	defer from.Close()
	defer b.cancel()
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var message struct {
			reply
			ID        int
			Method    string
			Params    json.RawMessage
			SessionID string
		}
		if err := json.Unmarshal(text[:len(text)-1], &message); err != nil {
			b.t.Errorf("chromium sent no JSON: %v", err)
			continue
		}
		b.mu.Lock()
		answered, page := b.pending[message.ID], b.tabs[message.SessionID]
		delete(b.pending, message.ID)
		b.mu.Unlock()
		if answered != nil {
			answered <- message.reply
		} else if page != nil {
			page.event(message.Method, message.Params)
		}
	}
}

// call runs a method of the protocol, in a session unless that is "", and decodes what it returns.
func (b *chromium) call(session, method string, params, result any) error {
	ctx, cancel := context.WithTimeout(b.ctx, browserWait)
	defer cancel()
	answered := make(chan reply, 1)
	b.mu.Lock()
	b.lastID++
	id := b.lastID
	b.pending[id] = answered
	text, err := json.Marshal(struct {
		ID        int    `json:"id"`
		SessionID string `json:"sessionId,omitempty"`
		Method    string `json:"method"`
		Params    any    `json:"params,omitempty"`
	}{id, session, method, params})
	if err == nil {
		_, err = b.write.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case answer := <-answered:
		if answer.Error != nil {
			return fmt.Errorf("%s: %s", method, answer.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(answer.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: chromium did not answer: %w", method, context.Cause(ctx))
	}
}

// tab is one page of the browser.
type tab struct {
	*chromium
	session string

	complaints []string // exceptions, and what the page's policy forbids; guarded by chromium.mu
	frames     []string // that have come over WebSocket; guarded by chromium.mu
}

// open opens a page in a tab of its own and waits until it has loaded. If the page throws or breaks the policy, the
// test fails.
func (b *chromium) open(url string) *tab {
	b.t.Helper()
	return b.openIn("", url)
}

// newContext returns the id of a context with cookies of its own, for openIn.
func (b *chromium) newContext() string {
	b.t.Helper()
	var context struct{ BrowserContextID string }
	b.must(b.call("", "Target.createBrowserContext", nil, &context))
	return context.BrowserContextID
}

// openIn is open for a page in a context, or in the first one if that is "".
func (b *chromium) openIn(context, url string) *tab {
	b.t.Helper()
	var target struct{ TargetID string }
	var attached struct{ SessionID string }
	where := map[string]any{"url": "about:blank", "newWindow": true}
	if context != "" {
		where["browserContextId"] = context
	}
	b.must(b.call("", "Target.createTarget", where, &target))
	b.must(b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached))
	p := &tab{chromium: b, session: attached.SessionID}
	b.mu.Lock()
	b.tabs[p.session] = p
	b.mu.Unlock()
	b.t.Cleanup(p.check)
	for _, domain := range []string{"Runtime", "Log", "Page", "Network"} {
		p.do(domain+".enable", nil, nil)
	}
	p.do("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}, nil)
	p.do("Page.navigate", map[string]any{"url": url}, nil)
	p.wait(`location.href !== "about:blank" && document.readyState === "complete"`)
	return p
}

func (b *chromium) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// event notes errors and broken policies of a page.
func (p *tab) event(method string, params json.RawMessage) {
	var complaint string
	switch method {
	case "Runtime.exceptionThrown":
		complaint = string(params)
	case "Log.entryAdded":
		var log struct {
			Entry struct{ Source, Level, Text, URL string }
		}
		// What the network refuses is the business of each test; a server that is down is no fault of the page.
		if json.Unmarshal(params, &log) == nil && log.Entry.Source != "network" && (log.Entry.Level == "error" || log.Entry.Level == "warning") {
			complaint = log.Entry.Text
		}
	case "Network.webSocketFrameReceived":
		var frame struct{ Response struct{ PayloadData string } }
		if json.Unmarshal(params, &frame) == nil {
			p.mu.Lock()
			p.frames = append(p.frames, frame.Response.PayloadData)
			p.mu.Unlock()
		}
	}
	if complaint != "" {
		p.mu.Lock()
		p.complaints = append(p.complaints, complaint)
		p.mu.Unlock()
	}
}

// received returns the frames that the page has received over WebSocket.
func (p *tab) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.frames)
}

func (p *tab) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, complaint := range p.complaints {
		p.t.Errorf("the page complained: %s", complaint)
	}
}

// do runs a method of the protocol on the page.
func (p *tab) do(method string, params, result any) {
	p.t.Helper()
	p.must(p.call(p.session, method, params, result))
}

// eval runs JavaScript in the page, waits for its promise and decodes its value.
func (p *tab) eval(script string, result any) {
	p.t.Helper()
	p.must(p.evaluate(script, result))
}

func (p *tab) evaluate(script string, result any) error {
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description, Value string }
		}
	}
	err := p.call(p.session, "Runtime.evaluate",
		map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &out)
	if err != nil {
		return err
	}
	if failure := out.ExceptionDetails; failure != nil {
		return errors.New(failure.Exception.Description + failure.Exception.Value)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(out.Result.Value, result)
}

// wait waits until an expression is true in the page.
func (p *tab) wait(condition string) {
	p.t.Helper()
	err := p.evaluate(fmt.Sprintf(`new Promise((resolve, reject) => {
		const end = performance.now() + %d;
		const look = () => {
			if (%s) resolve();
			else if (performance.now() < end) setTimeout(look, 20);
			else reject("it did not happen; the page reads:\n" + document.body.innerText);
		};
		look();
	})`, browserWait.Milliseconds()*2/3, condition), nil)
	if err != nil {
		p.t.Fatalf("waiting for %s: %v", condition, err)
	}
}

// waitText waits until an element's text contains a text.
func (p *tab) waitText(selector, text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
}

// keys presses keys one after the other: names as Tab or Enter, else text that is typed.
func (p *tab) keys(keys ...string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Space": 32, "ArrowRight": 39, "ArrowDown": 40}
	for _, key := range keys {
		code, named := codes[key]
		if !named {
			p.do("Input.insertText", map[string]any{"text": key}, nil)
			continue
		}
		event := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
		if text := map[string]string{"Enter": "\r", "Space": " "}[key]; text != "" {
			event["text"] = text
		}
		p.do("Input.dispatchKeyEvent", event, nil)
		event["type"] = "keyUp"
		delete(event, "text")
		p.do("Input.dispatchKeyEvent", event, nil)
	}
}

// click clicks an element in its middle with the mouse, as a person would.
func (p *tab) click(selector string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	p.eval(fmt.Sprintf(`(() => {
		const element = document.querySelector(%q);
		element.scrollIntoView({ block: "center", behavior: "instant" });
		const box = element.getBoundingClientRect();
		return { X: box.x + box.width / 2, Y: box.y + box.height / 2 };
	})()`, selector), &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.do("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// fill replaces what an input holds, as typed.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	p.eval(fmt.Sprintf(`document.querySelector(%q).select()`, selector), nil)
	p.keys(text)
}

// look sets the size of the window in CSS pixels, and light or dark.
func (p *tab) look(width, height int, scheme string) {
	p.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	p.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// screenshot returns the window as PNG, or the whole page.
func (p *tab) screenshot(whole bool) []byte {
	p.t.Helper()
	var shot struct{ Data string }
	p.do("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	p.must(err)
	return png
}
