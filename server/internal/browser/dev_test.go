package browser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/actionhero-go/actionhero/internal/devpage"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// A page of an app under development loads itself again when the app has changed, and shows why a change is not in effect.
// The policy of the page allows scripts and connections of the same origin alone, and no styles.
func TestAPageFollowsTheDevelopment(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	pages := devpage.New(func() <-chan struct{} { return stopping })
	mux := http.NewServeMux()
	mux.Handle(devpage.Path, pages)
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'")
		_, _ = io.WriteString(w, "<!doctype html><link rel=icon href=data:,><title>page</title><p>page</p>"+pages.Tag())
	})
	mux.HandleFunc("/failure", pages.Fail)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(stopping) })
	b := newChromium(t)
	p := b.open(srv.URL + "/page")
	p.eval("window.before = true", nil)
	pages.Set(0, "The app does not build\n\nactions/greet.go:7:3: <b>undefined</b>: x")
	p.wait(`document.querySelector("[role=alert]")?.textContent.includes("actions/greet.go:7:3: <b>undefined</b>: x")`)
	pages.Set(0, "")
	p.wait(`!document.querySelector("[role=alert]") && window.before`)
	loadsAgain := func(p *tab, change func()) {
		t.Helper()
		p.eval("window.before = true", nil)
		change()
		testkit.Eventually(t, "the page loads again", func() bool {
			var fresh bool
			err := p.evaluate("!window.before && document.readyState === 'complete'", &fresh)
			return err == nil && fresh // while the page is loaded, it cannot be asked
		})
	}
	loadsAgain(p, func() { pages.Set(1, "") })
	loadsAgain(p, func() { pages.Set(2, "") })
	pages.Set(2, "The app has ended: exit code 1\n\n<i>why</i>")
	f := b.open(srv.URL + "/failure")
	f.waitText("h1", "The app has ended: exit code 1")
	f.waitText("pre", "<i>why</i>")
	loadsAgain(f, func() { pages.Set(2, "another failure") })
	f.waitText("h1", "another failure")
}
