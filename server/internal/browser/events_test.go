package browser_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// ticks sends the numbers that follow the last one that the page has received: three, and then none until the stream ends.
var ticks = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "ticks", Description: "Counts", Route: "GET /ticks", Kind: actionhero.KindRead, Timeout: -1,
	Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
		events, err := web.Events(ctx, web.EventOptions{Heartbeat: 10 * time.Millisecond})
		if err != nil {
			return none, err
		}
		last, _ := strconv.Atoi(events.LastID())
		for n := last + 1; n <= last+3; n++ {
			err := events.Send(web.Event{ID: strconv.Itoa(n), Name: "tick", Data: "number\n" + strconv.Itoa(n), Retry: 20 * time.Millisecond})
			if err != nil {
				return none, err
			}
		}
		<-ctx.Done()
		return none, nil
	},
}

// An EventSource of a browser reads the events, and goes on where it was after a restart of the server. The start page
// works with the plain envelope, too.
func TestAnEventSourceGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *server.Config) { cfg.CommonWeb.Envelope = "plain" }, ticks)
	p := newChromium(t).open(s.url + "/public/")
	p.waitText("#live", "Live")
	p.eval(`window.got = []; window.source = new EventSource("/ticks"); source.addEventListener("tick", e => got.push(e.lastEventId + ":" + e.data.replace("\n", " ")))`, nil)
	p.wait(`got.length >= 3`)
	s.Stop()
	p.eval(`window.before = got.length`, nil)
	s.Start()
	p.wait(`got.length >= before + 3`)
	var got []string
	p.eval(`source.close(); got`, &got)
	for i, text := range got {
		if n := strconv.Itoa(i + 1); text != n+":number "+n {
			t.Errorf("event %s is %q", n, text)
		}
	}
}
