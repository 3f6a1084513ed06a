package actionhero

import "fmt"

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
		if closing := recovered(open.content.Close); closing != nil {
			r.API.log.Warn("a Content that was not sent cannot be closed", "action", r.Action, "error", closing.Error())
		}
	}
	r.opened = sent
	return out, err
}
