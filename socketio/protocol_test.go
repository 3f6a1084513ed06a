package socketio_test

import (
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio"
)

// The tests in this file follow the specification of Socket.IO protocol 5 and its test suite. The tests of Engine.IO are
// in internal/engine. The suite uses a second namespace, which this server refuses, and events that return their payload,
// which the action echo replaces here.

func TestConnect(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		for _, text := range []string{"40", `40{"token":"123"}`, "40/", "40/,"} {
			k := b.OpenSocket()
			k.Send(text)
			b.sid(k.Next())
			k.Want(welcome)
			k.Send("40") // ignored: the client is connected
			k.Send(`421["roomView"]`)
			if got := k.Next(); got[:4] != "431[" {
				t.Errorf("%q", got)
			}
			k.CloseNormal()
		}
	})
}

func TestUnknownNamespaces(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k := b.OpenSocket()
		for text, want := range map[string]string{
			"40/random":                   `44/random,{"message":"Invalid namespace"}`,
			"40/random,":                  `44/random,{"message":"Invalid namespace"}`,
			`40/custom,{"token":"abc"}`:   `44/custom,{"message":"Invalid namespace"}`,
			"40/a?b=c,":                   `44/a?b=c,{"message":"Invalid namespace"}`,
			"40/\"};alert(1)//,":          `44/"};alert(1)//,{"message":"Invalid namespace"}`,
			"40/\u2028,{\"action\":\"\"}": "44/\u2028,{\"message\":\"Invalid namespace\"}",
		} {
			k.Send(text)
			k.Want(want)
		}
		k.Send("41/random,") // ignored: the client is not connected to it
		k.Send("40")
		b.sid(k.Next())
		k.Want(welcome)
		k.Send(`42/random,["say",{}]`)
		k.WantClosed(ws.PolicyError)
	})
}

func TestPacketBeforeConnect(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		for _, text := range []string{"4abc", `42["say"]`, `421["say"]`, "4", `43["x"]`, "47", `4{}`} {
			k := b.OpenSocket()
			k.Send(text)
			k.WantClosed(ws.PolicyError)
			if t.Failed() {
				t.Fatalf("the packet is %q", text)
			}
		}
		start := time.Now()
		polls := b.OpenPolling()
		poll := b.Start("GET", polls, "")
		k := b.OpenSocket()
		k.Want("2")
		k.Send("3")
		poll(200, "2")
		b.Want(200, "ok", "POST", polls, "3")
		k.WantClosed(ws.PolicyError)
		if took := time.Since(start); took != 45*time.Second || !b.logged("has not connected to a namespace in time") {
			t.Errorf("the session is closed after %v", took)
		}
		b.Want(200, "1", "GET", polls, "")
	})
}

// The session stays open after a disconnect from the namespace, until the connect timeout.
func TestDisconnect(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, first := b.join()
		k.Send("41")
		k.Want("2")
		k.Send("3")
		k.Send("40")
		if again := b.sid(k.Next()); again == first {
			t.Error("the id is the same")
		}
		k.Want(welcome)
		k.Send("41/")
		k.Send(`42["roomView"]`)
		k.WantClosed(ws.PolicyError)
	})
}

func TestEvents(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		k.Send(`42["action",{"action":"echo","text":"x"},"more",[1,2]]`)
		k.Want(`42["response",{"context":"response","text":"x","size":0,"error":false}]`)
		k.Send(`42456["action",{"action":"echo","text":"x"}]`)
		k.Want(`43456[{"context":"response","text":"x","size":0,"error":false}]`)
		k.Send(`42/,0[ "action" , {"action":"echo","text":"x"} ] `)
		k.Want(`430[{"context":"response","text":"x","size":0,"error":false}]`)
		k.Send(`4399["an acknowledgement that the server has not requested"]`)
		k.CloseNormal()
	})
}

// Attachments reach an action as bytes, and as base64 if its field is text.
func TestBinaryEvents(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		k.Send(`452-["action",{"action":"echo","text":{"_placeholder":true,"num":1},"data":{"_placeholder":true,"num":0}}]`)
		k.SendBinary(1, 2, 3)
		k.SendBinary(4, 5, 6)
		k.Want(`42["response",{"context":"response","text":"BAUG","size":3,"error":false}]`)
		k.Send(`451-789["action",{"action":"echo","text":"x","data":{"_placeholder":true,"num":0}}]`)
		k.SendBinary()
		k.Want(`43789[{"context":"response","text":"x","size":0,"error":false}]`)
		k.Send(`450-1["action",{"action":"echo","text":"x"}]`)
		k.Want(`431[{"context":"response","text":"x","size":0,"error":false}]`)
		k.Send(`461-1[{"_placeholder":true,"num":0}]`) // an acknowledgement of no event
		k.SendBinary(1)
		k.Send(`451-2["action",{"action":"echo","text":{"_placeholder":true,"num":5}}]`)
		k.SendBinary(1)
		k.Want(`432[{"context":"response","error":"each placeholder must stand for an attachment of its own","errorCode":"invalidInput"}]`)
		k.CloseNormal()

		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40\x1e"+`451-["action",{"action":"echo","text":{"_placeholder":true,"num":0}}]`+"\x1ebAQID")
		if _, got := b.Do("GET", q, ""); got[len(got)-len(`"text":"AQID","size":0,"error":false}]`):] != `"text":"AQID","size":0,"error":false}]` {
			t.Errorf("%q", got)
		}
	})
}

func TestInvalidAttachments(t *testing.T) {
	inBubble(t, func(_ *actionhero.Config, cfg *socketio.Config) { cfg.MaxHTTPBufferSize = 1000 }, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		k.SendBinary(1)
		k.WantClosed(ws.PolicyError)

		k, _ = b.join()
		k.Send(`451-["action",{}]`)
		k.Send(`42["roomView"]`)
		k.WantClosed(ws.PolicyError)

		k, _ = b.join()
		k.Send(`4511-["action",{}]`)
		k.WantClosed(ws.PolicyError)

		k, _ = b.join()
		k.Send(`4510-["action",{}]`)
		for range 3 {
			k.SendBinary(make([]byte, 400)...)
		}
		k.WantClosed(ws.PolicyError)
		if !b.logged("attachments of a packet are too large") {
			t.Error("it is not logged")
		}
	})
}

func TestInvalidPacketClosesSession(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		for _, text := range []string{"4abc", "42{}", "42[]", "42", `42abc["message-with-ack",1]`, `41{}`, "44", `45["x"]`, `43["x"]`} {
			k, _ := b.join()
			k.Send(text)
			k.WantClosed(ws.PolicyError)
			if t.Failed() {
				t.Fatalf("the packet is %q", text)
			}
		}
	})
}

// Attachments that do not come are not awaited for ever, because the packet needs memory until then.
func TestAttachmentsMustComeInTime(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		k.Send(`452-["action",{"action":"echo","text":"x","data":{"_placeholder":true,"num":0}}]`)
		k.SendBinary(1)
		time.Sleep(14 * time.Second)
		k.SendBinary(2)
		k.Want(`42["response",{"context":"response","text":"x","size":1,"error":false}]`)
		k.CloseNormal()

		k, _ = b.join()
		k.Send(`452-["action",{"action":"echo","text":"x","data":{"_placeholder":true,"num":0}}]`)
		begun := time.Now()
		time.Sleep(14 * time.Second)
		k.SendBinary(1) // the time does not begin anew
		k.WantClosed(ws.PolicyError)
		if took := time.Since(begun); took != 15*time.Second || !b.logged("the attachments of a packet have not come in time") {
			t.Errorf("the session is closed after %v: %v", took, b.log.Entries())
		}
	})
}
