package browser_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestScreens(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := newChromium(t)
	p := b.open(s.url + "/public")
	p.waitText("#live", "Live")
	p.waitText("#chat-note", "You are")
	p.wait(`document.querySelector("details[open]")`)
	q := b.open(s.url + "/public")
	q.waitText("#chat-note", "You are")
	q.fill("#say", "Hello from the other tab!")
	q.keys("Enter")
	p.waitText("#log", "Hello from")
	p.fill("#say", "Hi! Nice to see you here, this is a message that is long enough to wrap.")
	p.keys("Enter")
	p.click("details[open] button")
	p.waitText("details[open] .answer", "OK")
	for _, scheme := range []string{"light", "dark"} {
		for _, size := range [][2]int{{1280, 800}, {390, 844}, {360, 640}} {
			p.look(size[0], size[1], scheme)
			p.eval("scrollTo(0, 0)", nil)
			for _, whole := range []bool{false, true} {
				name := fmt.Sprintf("%s-%d-%v.png", scheme, size[0], whole)
				if err := os.WriteFile(filepath.Join("/tmp/shots", name), p.screenshot(whole), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
