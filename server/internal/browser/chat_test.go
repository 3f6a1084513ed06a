package browser_test

import (
	"testing"

	"github.com/actionhero-go/actionhero/examples/chat/rules"
	"github.com/actionhero-go/actionhero/server"
)

// The example's page, in two tabs: what the rules refuse is shown, and what they let through is heard.
func TestChatExample(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *server.Config) {
		cfg.General.DefaultChatRoom = "lobby"
		cfg.General.FlatFileDirectory = "../../../examples/chat/public"
	}, rules.All)
	b := newChromium(t)
	ann, bob := b.open(s.url+"/public/"), b.open(s.url+"/public/")
	for name, p := range map[string]*tab{"Ann": ann, "Bob": bob} {
		p.waitText("#state", "live")
		p.fill(`#enter [name="name"]`, name)
		p.fill(`#enter [name="room"]`, rules.MembersRoom)
		p.click("#enter button")
		p.wait(`document.querySelector("#messages").innerText.includes("are in members") && !document.querySelector("#messages").innerText.includes("has moved you to members")`)
	}
	ann.fill(`#speak [name="text"]`, "damn <b>fine</b>")
	ann.click("#speak button")
	bob.wait(`document.querySelector("#messages").innerText.includes("**** <b>fine</b>")`)
	ann.wait(`document.querySelector("#speak input").value === ""`) // the form is empty again after the answer
	ann.fill(`#speak [name="text"]`, "  ")
	ann.click("#speak button")
	ann.waitText("#problem", "say something")
}
