// Package devpage serves what the pages of an app need while the app is developed: a script that loads a page again when
// the app or a file of the page has changed, the stream of events that the script listens to, and the page that shows why
// the app does not run. Begin with [New].
//
// In a page, [Pages.Tag] is the element that loads the script. The script has a URL of its own, so that a content security
// policy of the page that allows scripts of the same origin allows it.
package devpage

import (
	"cmp"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/browserguard"
)

// Path is the path below which [Pages] serves.
const Path = "/__dev/"

//go:embed reload.js
var script string

// heartbeat is the time between two comments in a stream of events. A write to a client that has left ends the stream.
const heartbeat = 15 * time.Second

// Pages is the state that open pages follow. It serves the script, the events and the page of the last failure.
type Pages struct {
	process  string // differs in each process
	stopping func() <-chan struct{}

	mu      sync.Mutex
	loads   int
	failure string
	changed chan struct{} // closed and replaced with each change
}

// New returns Pages without a failure. The streams of events end when the channel is closed that stopping returns at their
// beginning.
func New(stopping func() <-chan struct{}) *Pages {
	return &Pages{process: rand.Text()[:12], stopping: stopping, changed: make(chan struct{})}
}

// Set changes the state. Pages that were sent with another number of loads are loaded again. The failure is why the present
// state of the source does not run, or "".
func (p *Pages) Set(loads int, failure string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loads == loads && p.failure == failure {
		return
	}
	p.loads, p.failure = loads, failure
	close(p.changed)
	p.changed = make(chan struct{})
}

// state is an event. A page is loaded again when the id is another one than in its tag. The page of the failure is loaded
// again when the version is another one.
type state struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Failure string `json:"failure"`
}

func (p *Pages) state() (now state, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := p.process + "." + strconv.Itoa(p.loads)
	return state{id, fmt.Sprintf("%s.%08x", id, crc32.ChecksumIEEE([]byte(p.failure))), p.failure}, p.changed
}

// Tag returns the element that makes a page load itself again, for the end of the page.
func (p *Pages) Tag() string {
	now, _ := p.state()
	return tag(now.ID)
}

func tag(query string) string {
	return "\n<script src=\"" + Path + "reload.js?" + query + "\" defer></script>\n"
}

// ServeHTTP serves the paths below [Path].
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Del("Access-Control-Allow-Origin") // the text of a failure is for pages of this origin
	switch r.URL.Path {
	case Path + "reload.js":
		head.Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = io.WriteString(w, script)
	case Path + "events":
		p.serveEvents(w, r)
	case Path:
		now, _ := p.state()
		now = now.shownTo(r)
		p.writePage(w, http.StatusOK, now, cmp.Or(now.Failure, "The app runs, and it is up to date."))
	default:
		http.NotFound(w, r)
	}
}

func (p *Pages) serveEvents(w http.ResponseWriter, r *http.Request) {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		http.Error(w, "these events are for pages of this origin", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(text string) bool {
		_, err := io.WriteString(w, text)
		return err == nil && control.Flush() == nil
	}
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	stopping := p.stopping()
	now, changed := p.state()
	open := send("retry: 200\n" + now.shownTo(r).event())
	for open {
		select {
		case <-changed:
			now, changed = p.state()
			open = send(now.shownTo(r).event())
		case <-tick.C:
			open = send(":\n\n")
		case <-r.Context().Done():
			return
		case <-stopping:
			return
		}
	}
}

// hidden is the failure that pages of other names read.
const hidden = "The app does not run; the terminal of \"actionhero dev\" says why."

// shownTo returns the state for a request. A failure has paths, source and what the app has logged. A page of another site
// whose name leads to this machine (DNS rebinding) must not read it, so only pages of an IP address or of localhost do.
func (s state) shownTo(r *http.Request) state {
	var own browserguard.Hosts
	if s.Failure != "" && !own.Allow(r.Host) {
		s.Failure = hidden
	}
	return s
}

func (s state) event() string {
	text, _ := json.Marshal(s) // strings always encode
	return "data: " + string(text) + "\n\n"
}

// Fail answers a request while the app does not run: with a page for browsers, and else with an object as the app would
// answer.
func (p *Pages) Fail(w http.ResponseWriter, r *http.Request) {
	now, _ := p.state()
	now = now.shownTo(r)
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Retry-After", "1")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		p.writePage(w, http.StatusServiceUnavailable, now, now.Failure)
		return
	}
	head.Set("Content-Type", "application/json; charset=utf-8")
	text, _ := json.MarshalIndent(struct {
		Error      string `json:"error"`
		ErrorCode  string `json:"errorCode"`
		RetryAfter int    `json:"retryAfter"`
	}{now.Failure, "unavailable", 1}, "", "  ") // strings always encode
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write(append(text, '\n'))
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")

// writePage writes a page with a text, which is loaded again when the state has another version than now.
func (p *Pages) writePage(w http.ResponseWriter, status int, now state, text string) {
	title, rest, _ := strings.Cut(text, "\n")
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", "default-src 'none'; img-src data:; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<link rel=\"icon\" href=\"data:,\">\n<title>"+
		escape.Replace(title)+"</title>\n<style>body{margin:2rem;font:1rem/1.5 system-ui,sans-serif;color-scheme:light dark}"+
		"pre{padding:1rem;overflow:auto;white-space:pre-wrap;background:#8881;border-left:4px solid #c33}</style>\n<h1>"+
		escape.Replace(title)+"</h1>\n")
	if rest = strings.Trim(rest, "\n"); rest != "" {
		_, _ = io.WriteString(w, "<pre>"+escape.Replace(rest)+"</pre>\n")
	}
	_, _ = io.WriteString(w, "<p>This page loads itself again after the next change.</p>"+tag(now.ID+"&amp;"+now.Version))
}
