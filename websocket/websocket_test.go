//go:build !hostile

package websocket_test

import (
	"errors"
	"testing"

	client "github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/websocket"
)

func asCloseError(err error, closed *client.CloseError) bool { return errors.As(err, closed) }

func TestEvents(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{})
	p := f.dial(t, nil)
	for _, test := range []struct{ request, answer string }{
		{`{"event":"action","id":1,"params":{"action":"cacheTest"}}`, `{"context":"response","error":"key is a required parameter for this action","id":1}`},
		{`{"event":"action","id":"a","params":{"action":"nothing"}}`, `{"context":"response","error":"nothing is not a known action.","id":"a"}`},
		{`{"event":"action","params":{"action":"nothing"}}`, `{"context":"response","error":"nothing is not a known action."}`},
		{`{"event":"action"}`, `{"context":"response","error":"{no action} is not a known action."}`},
		{`{"event":"action","id":null,"params":null}`, `{"context":"response","error":"{no action} is not a known action.","id":null}`},
		{`{"event":"action","id":2,"params":{"action":"file","fileName":"x"}}`, `{"context":"response","error":"this action answers with bytes, which are not sent over WebSocket: ask for them over HTTP","id":2}`},
		{`{"event":"say","id":3,"message":"hi"}`, `{"context":"response","status":"OK","id":3}`},
		{`{"event":"roomChange","id":4,"room":"other"}`, `{"context":"response","status":"OK","room":"other","id":4}`},
		{`[]`, `{"context":"response","error":"malformed JSON at offset 0: an object is expected"}`},
		{`null`, `{"context":"response","error":"malformed JSON at offset 0: an object is expected"}`},
		{`{`, `{"context":"response","error":"malformed JSON at offset 1: it ends too early"}`},
		{`{"event":"dance","id":1}`, `{"context":"response","error":"dance is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit","id":1}`},
	} {
		p.send(test.request)
		if got := p.message(); got != test.answer {
			t.Errorf("%s\ngot  %s\nwant %s", test.request, got, test.answer)
		}
	}
	p.call(`{"event":"quit","id":9}`, `{"status":"Bye!","context":"response","id":9}`)
	p.end(1000, "Bye!")
}
