package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio"
)

// Each event is answered by the event response, or by an acknowledgement if one is requested.
func TestAllEvents(t *testing.T) {
	const ok = `{"context":"response","status":"OK"`
	fails := func(text string) string {
		code := `","errorCode":"invalidInput"`
		switch {
		case strings.Contains(text, "is not a known action"), strings.Contains(text, "you are not in"):
			code = `","errorCode":"notFound"`
		case strings.Contains(text, "your current room"):
			code = `","errorCode":"conflict"`
		case strings.HasPrefix(text, "limit"):
			code += `,"errorDetails":[{"field":"limit","rule":"type","message":"` + text + `"}]`
		case strings.HasPrefix(text, "text"):
			code += `,"errorDetails":[{"field":"text","rule":"required","message":"text must be given"}]`
		}
		return `{"context":"response","error":"` + text + code + `}`
	}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, id := b.join()
		connected := time.Now().UnixMilli()
		details := fmt.Sprintf(`%s,"details":{"public":{"id":"%s","connectedAt":%d}}}`, ok, id, connected)
		view := func(room string) string {
			return ok + `,"room":"` + room + `","roomStatus":{"members":["` + id + `"],"membersCount":1}}`
		}
		for _, test := range [][]string{ // event, answer, and the answer to its repetition if it differs
			{`"detailsView"`, details},
			{`"detailsView",{}`, details},
			{`"detailsView",[1,"x",null]`, details},
			{`"roomView"`, view("defaultRoom")},
			{`"roomView",null`, view("defaultRoom")},
			{`"roomChange",{"room":" lobby "}`, ok + `,"room":"lobby"}`},
			{`"roomView",{"room":"lobby"}`, view("lobby")},
			{`"roomView",{"room":"news"}`, ok + `,"room":"news","roomStatus":{"members":null,"membersCount":0}}`},
			{`"say",{"room":"lobby","message":"hi"}`, ok + `}`},
			{`"say",{"room":"news","message":"hi"}`, fails("you are not in the room news")},
			{`"roomAdd",{"room":"news"}`, ok + `,"room":"news"}`},
			{`"roomLeave",{"room":"news"}`, ok + `,"room":"news"}`, fails("you are not in the room news")},
			{`"roomChange","defaultRoom"`, ok + `,"room":"defaultRoom"}`},
			{`"roomChange"`, fails("room must be a name of 1 to 128 bytes")},
			{`"roomChange",{"room":null}`, fails("room must be a string")},
			{`"roomChange",{"room":["x"]}`, fails("room must be a string")},
			{`"roomChange",7`, fails("the argument of an event must be an object")},
			{`"roomChange",{"room":"` + strings.Repeat("r", 129) + `"}`, fails("room must be a name of 1 to 128 bytes")},
			{`"say",{"message":"hi"}`, ok + `}`},
			{`"say","hi"`, ok + `}`},
			{`"say",{"message":""}`, ok + `}`},
			{`"say"`, fails("message is a required key of say")},
			{`"say",{"room":"x"}`, fails("message is a required key of say")},
			{`"say",{"message":7}`, fails("message must be a string")},
			{`"say",{"message":"a","message":"b"}`, fails(`malformed JSON at offset 15: the member \"message\" occurs twice`)},
			{`"action",{"action":"echo","text":"x"}`, `{"context":"response","text":"x","size":0,"error":false}`},
			{`"action",{"action":"slow"}`, ok + `,"error":false}`},
			{`"action",{"action":"echo"}`, fails("text is a required parameter for this action")},
			{`"action",{"action":"none"}`, fails("none is not a known action.")},
			{`"action",{"action":"ec\u0068o","te\u0078t":"x"}`, `{"context":"response","text":"x","size":0,"error":false}`},
			{`"action"`, fails("{no action} is not a known action.")},
			{`"action",null`, fails("{no action} is not a known action.")},
			{`"action",{"action":""}`, fails("{no action} is not a known action.")},
			{`"action",{"action":null}`, fails("action must be a string")},
			{`"action",{"action":["echo"]}`, fails("action must be a string")},
			{`"action",[]`, fails("the argument of an action must be an object")},
			{`"action",true`, fails("the argument of an action must be an object")},
			{`"action",{"action":"echo","text":"x","limit":-1}`, fails("limit must be a whole number of 0 or more")},
			{`"action",{"action":"echo",}`, fails("malformed JSON at offset 17: a member name in quotes is expected")},
			{`"action",{"action":"aFile"}`, `{"context":"response","content":{"name":"a.txt","type":"text/plain; charset=utf-8","size":5,"base64":"Ynl0ZXM="},"error":false}`},
			{`"say",{"mesage":"hi","message":"ho"}`, fails("mesage is not a key of the event say")},
			{`"roomView",{"rom":"x"}`, fails("rom is not a key of the event roomView")},
			{`"file",{"fileName":"x"}`, fails("file is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit")},
			{`"connect"`, fails("connect is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit")},
			{`"\u0061ction"`, fails("action is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit")},
			{`""`, fails(" is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit")},
			{`"` + strings.Repeat("é", 100) + `"`, fails(strings.Repeat("é", 64) + " is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit")},
			{`7`, fails("the name of an event must be a string")},
			{`null`, fails("the name of an event must be a string")},
			{`["say"]`, fails("the name of an event must be a string")},
			{`"say"{}`, fails("the name of an event must be a string")},
		} {
			k.Send(`42[` + test[0] + `]`)
			k.Want(`42["response",` + test[1] + `]`)
			k.Send(`427[` + test[0] + `]`)
			k.Want(`437[` + test[len(test)-1] + `]`)
			if t.Failed() {
				t.Fatalf("the event is [%.200s]", test[0])
			}
		}
		if n := b.io.Requests(); n != 2*51 {
			t.Errorf("%d requests were counted", n)
		}
		k.CloseNormal()
	})
}

func TestQuit(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		for _, word := range []string{"quit", "exit", "close"} {
			k, _ := b.join()
			k.Send(`42["` + word + `"]`)
			k.Want("41")
			k.WantClosed(ws.Normal)

			k, _ = b.join()
			k.Send(`421["` + word + `",{}]`)
			k.Want(`431[{"status":"Bye!","context":"response"}]`)
			k.Want("41")
			k.WantClosed(ws.Normal)

			q := b.OpenPolling()
			b.Want(200, "ok", "POST", q, "40")
			if _, text := b.Do("GET", q, ""); !strings.HasSuffix(text, "\x1e"+welcome) {
				t.Errorf("%q", text)
			}
			b.Want(200, "ok", "POST", q, `42["`+word+`"]`)
			b.Want(200, "41", "GET", q, "")
			b.Want(200, "1", "GET", q, "")
			b.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
		}
		synctest.Wait()
		if status, err := b.api.Rooms.Status(t.Context(), "defaultRoom"); err != nil || status.MembersCount != 0 {
			t.Errorf("%+v, %v", status, err)
		}
	})
}

// Messages of rooms reach members over all kinds of connection, but not their sender.
func TestRooms(t *testing.T) {
	inBubble(t, func(general *actionhero.Config, _ *socketio.Config) { general.AnnounceLimit = 100 }, func(t *testing.T, b *bubble) {
		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40")
		_, text := b.Do("GET", q, "")
		id := b.sid(text[:strings.Index(text, "\x1e")])
		poll := b.Start("GET", q, "")
		k, kid := b.join()
		poll(200, `42["say",{"message":"I have entered the room","from":"`+kid+`","context":"user"}]`)
		poll = b.Start("GET", q, "")
		k.Send(`42["say",{"message":"héllo <\"\u2028"}]`)
		k.Want(`42["response",{"context":"response","status":"OK"}]`)
		poll(200, `42["say",{"message":"héllo <\"\u2028","from":"`+kid+`","context":"user"}]`)
		b.Want(200, "ok", "POST", q, `421["say",{"message":"hi"}]`)
		k.Want(`42["say",{"message":"hi","from":"` + id + `","context":"user"}]`)
		b.Want(200, `431[{"context":"response","status":"OK"}]`, "GET", q, "")

		if err := b.api.Rooms.Broadcast(t.Context(), "defaultRoom", map[string]any{"a": 1}); err != nil {
			t.Fatal(err)
		}
		k.Want(`42["say",{"message":{"a":1},"from":"actionHero API","context":"user"}]`)
		b.Want(200, `42["say",{"message":{"a":1},"from":"actionHero API","context":"user"}]`, "GET", q, "")
		if err := b.api.Rooms.SendTo(t.Context(), kid, "you alone"); err != nil {
			t.Fatal(err)
		}
		k.Want(`42["say",{"message":"you alone","from":"actionHero API","context":"user"}]`)

		k.Send(`421["roomChange",{"room":"other"}]`)
		k.Want(`431[{"context":"response","status":"OK","room":"other"}]`)
		b.Want(200, `42["say",{"message":"I have left the room","from":"`+kid+`","context":"user"}]`, "GET", q, "")
		k.Send(`421["roomAdd",{"room":"defaultRoom"}]`)
		k.Want(`431[{"context":"response","status":"OK","room":"defaultRoom"}]`)
		_, _ = b.Do("GET", q, "")
		b.Want(200, "ok", "POST", q, `42["say",{"message":"still there?"}]`)
		k.Want(`42["say",{"message":"still there?","from":"` + id + `","context":"user","room":"defaultRoom"}]`)
		b.Want(200, "ok", "POST", q, "1")
		k.Want(`42["say",{"message":"I have left the room","from":"` + id + `","context":"user","room":"defaultRoom"}]`)
		k.CloseNormal()
	})
}

// A client that may not join the default room is connected, and receives the reason.
func TestRefusedRoom(t *testing.T) {
	middleware := actionhero.RoomMiddleware{Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
		return actionhero.Errorf(actionhero.CodePermissionDenied, "not into %s", room)
	}}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k := b.OpenSocket()
		k.Send("40")
		b.sid(k.Next())
		k.Want(`42["welcome",{"welcome":"Hello! Welcome to the actionHero api","room":null,"context":"api"}]`)
		k.Want(`42["response",{"context":"response","error":"not into defaultRoom","room":"defaultRoom","errorCode":"permissionDenied"}]`)
		k.Send(`421["say",{"message":"x"}]`)
		k.Want(`431[{"context":"response","error":"you are in no room: enter one with roomChange","errorCode":"conflict"}]`)
		k.CloseNormal()
	}, middleware)
}

// Quick requests do not wait for slow ones. Room commands run in order, even if one is slow.
func TestReplyOrder(t *testing.T) {
	var gate chan struct{}
	middleware := actionhero.RoomMiddleware{Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
		if room == "slow" {
			<-gate
		}
		return nil
	}}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		gate = make(chan struct{})
		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40")
		_, _ = b.Do("GET", q, "")
		const events = `421["roomChange",{"room":"slow"}]` + "\x1e" + `422["roomView"]` + "\x1e" + `423["action",{"action":"gate"}]` + "\x1e" + `424["action",{"action":"echo","text":"x"}]`
		const quick = `434[{"context":"response","text":"x","size":0,"error":false}]`
		b.Want(200, "ok", "POST", q, events)
		b.Want(200, quick, "GET", q, "")
		k, _ := b.join()
		for text := range strings.SplitSeq(events, "\x1e") {
			k.Send(text)
		}
		k.Want(quick)
		close(gate)
		k.Want(`431[{"context":"response","status":"OK","room":"slow"}]`)
		if got := k.Next(); !strings.HasPrefix(got, `432[{"context":"response","status":"OK","room":"slow","roomStatus":`) {
			t.Errorf("%q", got)
		}
		b.gate.Open()
		k.Want(`433[{"context":"response","status":"OK","error":false}]`)
		synctest.Wait()
		if _, text := b.Do("GET", q, ""); strings.Index(text, "431[") > strings.Index(text, "432[") || !strings.Contains(text, "431[") || !strings.Contains(text, "433[") {
			t.Errorf("%q", text)
		}
		k.CloseNormal()
	}, middleware)
}

// At most MaxInFlight requests of a client run. The next one is read when one of them is done.
func TestInFlight(t *testing.T) {
	inBubble(t, func(_ *actionhero.Config, cfg *socketio.Config) { cfg.MaxInFlight = 3 }, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		for range 3 {
			k.Send(`42["action",{"action":"gate"}]`)
		}
		synctest.Wait()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			k.Send(`421["roomView"]`) // blocks: the server does not read it yet, and a pipe has no buffer
		}()
		time.Sleep(time.Second)
		b.gate.Pass()
		k.Want(`42["response",{"context":"response","status":"OK","error":false}]`)
		if got := k.Next(); !strings.HasPrefix(got, "431[") {
			t.Errorf("%q", got)
		}
		<-sent
		b.gate.Open()
		k.CloseNormal()
	})
}

// If server code closes a client, the client does not reconnect.
func TestCloseByServer(t *testing.T) {
	var conn *actionhero.Conn
	kick := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "kick", Description: "Closes the connection",
		Run: func(ctx context.Context, _ actionhero.None) (out actionhero.None, err error) {
			conn = actionhero.RequestFrom(ctx).Conn
			conn.Close("as asked")
			return out, nil
		},
	}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, id := b.join()
		k.Send(`421["action",{"action":"kick"}]`)
		k.Want("41")
		k.WantClosed(ws.Normal)
		if conn.ID != id || conn.Transport != "socketio" {
			t.Errorf("%+v", conn)
		}
		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40")
		_, _ = b.Do("GET", q, "")
		poll := b.Start("GET", q, "")
		b.Want(200, "ok", "POST", q, `421["action",{"action":"kick"}]`)
		poll(200, "41")
		b.Want(200, "1", "GET", q, "")
	}, kick)
}

// A client that does not read, or does not poll, is closed, and no other client waits for it.
func TestSlowReader(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		notReading, _ := b.join()
		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40")
		synctest.Wait()
		text := strings.Repeat("x", 1000)
		for i := range 300 {
			if err := b.api.Rooms.Broadcast(t.Context(), "defaultRoom", text); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				time.Sleep(3 * time.Second) // the write makes no progress, and no GET comes
			}
			k.Want(`42["say",{"message":"` + text + `","from":"actionHero API","context":"user"}]`)
		}
		synctest.Wait()
		if n := b.io.Clients(); n != 1 || !b.logged("does not read what it is sent") || !b.logged("does not fetch what it is sent") {
			t.Errorf("%d clients are left", n)
		}
		for {
			if _, _, err := notReading.Read(t.Context()); err != nil {
				if code := websocket.CloseStatus(err); code != ws.TryAgainLater {
					t.Errorf("the client that does not read is closed with %v", err)
				}
				break
			}
		}
		b.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
		k.CloseNormal()
	})
}

// A stop finishes requests in flight. A stopped server serves only the script.
func TestStopAndStart(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		k.Send(`421["action",{"action":"gate"}]`)
		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40\x1e"+`421["action",{"action":"gate"}]`)
		_, _ = b.Do("GET", q, "")
		poll := b.Start("GET", q, "")
		stopped := make(chan error)
		go func() { stopped <- b.api.Stop(t.Context()) }()
		synctest.Wait()
		b.gate.Open()
		const answer = `431[{"context":"response","status":"OK","error":false}]`
		k.Want(answer)
		poll(200, answer)
		k.WantClosed(ws.GoingAway)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		b.Want(503, "the server is not started\n", "GET", "EIO=4&transport=polling", "")
		if err := b.io.Stop(t.Context()); err != nil {
			t.Errorf("a second stop: %v", err)
		}
		if err := b.api.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		k, _ = b.join()
		k.CloseNormal()
	})
}

// A stop cancels requests that still run after its grace period.
func TestStopGrace(t *testing.T) {
	inBubble(t, func(general *actionhero.Config, _ *socketio.Config) {
		general.StopGrace, general.ActionTimeout = 5*time.Second, -1
	}, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		k.Send(`421["action",{"action":"gate"}]`)
		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40\x1e"+`421["action",{"action":"gate"}]`)
		synctest.Wait()
		start := time.Now()
		if err := b.api.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("it takes %v", took)
		}
		if _, _, err := k.Read(t.Context()); err == nil {
			t.Error("the connection is still open")
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]socketio.Config{
		"webSockets.pingInterval is -1s":                        {PingInterval: -time.Second},
		"webSockets.pingTimeout is 1ns: it must be":             {PingTimeout: 1},
		"webSockets.maxQueuedMessages is -1: it must be above":  {MaxQueued: -1},
		"webSockets.maxHttpBufferSize is -1: it must be above":  {MaxHTTPBufferSize: -1},
		`webSockets.origins has "example.com": write an origin`: {Origins: []string{"example.com"}},
	} {
		if err := socketio.New(testkit.NewAPI(t), cfg).Start(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	err := socketio.New(testkit.NewAPI(t), socketio.Config{PingInterval: -1, MaxInFlight: -1}).Start(context.Background())
	if err == nil || !strings.Contains(err.Error(), "pingInterval") || !strings.Contains(err.Error(), "maxInFlight") {
		t.Errorf("%v: it does not name both", err)
	}
}
