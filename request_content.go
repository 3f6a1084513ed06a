package actionhero

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/actionhero-go/actionhero/internal/appbody"
)

// openContent is a Content that an action has returned, in the list Request.opened. A middleware may replace the
// Content or refuse the request, or call the action twice.
type openContent struct {
	content *Content
	next    *openContent
}

// open notes that the action of r has returned content, so that settle can close it.
func (r *Request) open(content *Content) {
	if content != nil {
		r.opened = &openContent{content, r.opened}
	}
}

// settle closes each Content of r that no transport will send, because the request failed with err or because out is
// another result. content is out if out is a Content. If content has no Body, settle returns an error instead of out.
func (r *Request) settle(content *Content, out any, err error) (any, error) {
	if content != nil && content.Body == nil && err == nil {
		out, err = nil, fmt.Errorf("action %q answered a Content without a Body: set Body, or return an error", r.Action)
	}
	if err != nil {
		content = nil
	}
	var sent *openContent
	for open := r.opened; open != nil; open = open.next {
		if open.content == content {
			sent = &openContent{content: content} // the transport of an outer dispatch may still drop it
			continue
		}
		r.discard(open.content)
	}
	r.opened = sent
	return out, err
}

// discardTime is the time that a request waits for the Close of a Content that is not sent.
const discardTime = 5 * time.Second

var errSlowClose = fmt.Errorf("it did not return within %v", discardTime)

// discard closes a Content that is not sent. If the Close blocks, the request does not wait for it.
func (r *Request) discard(content *Content) {
	failed := func(err error) {
		r.API.log.Warn("a Content that was not sent cannot be closed", "action", r.Action, "error", err.Error())
	}
	client, _ := limitKey(r.RemoteIP)
	if client.Addr().IsLoopback() {
		client = netip.Prefix{} // many clients may have it behind a proxy
	}
	body := appbody.New(content.Body, content.static, appbody.Options{
		Abandoned: r.API.abandonedBodies, Client: client, Context: context.Background(),
		Limit: discardTime, Late: errSlowClose, Log: failed,
	})
	if err := body.Close(); err != nil {
		failed(err)
	}
}
