package socketio_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

// However a session ends, its running actions learn it at once, over both transports.
func TestTheContextOfAnActionEndsWithItsSession(t *testing.T) {
	begun := make(chan *actionhero.Conn, 1)
	var ended atomic.Int32
	wait := actionhero.Action[actionhero.None, actionhero.None]{Name: "wait", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		begun <- actionhero.RequestFrom(ctx).Conn
		<-ctx.Done()
		ended.Add(1)
		return n, nil
	}}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		var conn *actionhero.Conn
		sockets := []func(k *enginetest.Socket){
			(*enginetest.Socket).CloseNormal,
			func(k *enginetest.Socket) { _ = k.CloseNow() },
			func(k *enginetest.Socket) { k.Send("1") },
			func(k *enginetest.Socket) { _ = k.Write(t.Context(), websocket.MessageText, []byte("nonsense")) },
			func(*enginetest.Socket) { conn.Close("go away") },
			func(*enginetest.Socket) { time.Sleep(time.Minute) }, // it answers no pings
		}
		for i, end := range sockets {
			k, _ := b.join()
			k.Send(`42["action",{"action":"wait"}]`)
			conn = <-begun
			time.Sleep(10 * time.Millisecond)
			end(k)
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			if n := ended.Load(); int(n) != i+1 || len(conn.Rooms()) != 0 {
				t.Fatalf("end %d of a WebSocket: %d of %d actions know it, the rooms are %q", i, n, i+1, conn.Rooms())
			}
			_ = k.CloseNow()
		}
		for i, end := range []func(q string){
			func(q string) { b.Want(200, "ok", "POST", q, "1") },
			func(string) { time.Sleep(time.Minute) },
			func(string) { conn.Close("go away") },
		} {
			q := b.OpenPolling()
			b.Want(200, "ok", "POST", q, "40")
			b.Want(200, "ok", "POST", q, `42["action",{"action":"wait"}]`)
			conn = <-begun
			end(q)
			synctest.Wait()
			if n, want := int(ended.Load()), len(sockets)+i+1; n != want {
				t.Fatalf("end %d of a polling session: %d of %d actions know it", i, n, want)
			}
		}
	}, wait)
}

// Code of the app that ends its goroutine is answered with an internal error over both transports, and the session works on.
func TestCodeThatEndsItsGoroutineIsAnswered(t *testing.T) {
	exit := actionhero.Action[actionhero.None, actionhero.None]{Name: "ends", Run: func(_ context.Context, n actionhero.None) (actionhero.None, error) {
		runtime.Goexit()
		return n, nil
	}}
	members := actionhero.RoomMiddleware{Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
		if room == "exit" {
			runtime.Goexit()
		}
		return nil
	}}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		const failed = `431[{"context":"response","error":"The server experienced an internal error","errorCode":"internal"}]`
		k, _ := b.join()
		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40")
		b.Do("GET", q, "")
		for range 5 {
			for _, event := range []string{`421["action",{"action":"ends"}]`, `421["roomChange",{"room":"exit"}]`} {
				k.Send(event)
				k.Want(failed)
				b.Want(200, "ok", "POST", q, event)
				b.Want(200, failed, "GET", q, "")
			}
		}
		k.CloseNormal()
	}, exit, members)
}

// A client that leaves the namespace ends the context of its running actions, over both transports. Their answers never
// reach the client, which could take them for answers to what it asks after it has come back.
func TestTheContextOfAnActionEndsWhenItsClientLeavesTheNamespace(t *testing.T) {
	var ended atomic.Int32
	wait := actionhero.Action[actionhero.None, actionhero.None]{Name: "wait", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		<-ctx.Done()
		ended.Add(1)
		return n, ctx.Err()
	}}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		const event, answer = `42["action",{"action":"echo","text":"again"}]`, `42["response",{"context":"response","text":"again","size":0,"error":false}]`
		k, _ := b.join()
		k.Send(`42["action",{"action":"wait"}]`)
		time.Sleep(10 * time.Millisecond)
		k.Send("41")
		synctest.Wait()
		if n := ended.Load(); n != 1 {
			t.Fatalf("%d of 1 actions know that the client has left", n)
		}
		k.Send("40")
		b.sid(k.Next())
		k.Want(welcome)
		k.Send(event)
		k.Want(answer)
		k.CloseNormal()

		q := b.OpenPolling()
		b.Want(200, "ok", "POST", q, "40")
		b.Do("GET", q, "")
		b.Want(200, "ok", "POST", q, `42["action",{"action":"wait"}]`)
		b.Want(200, "ok", "POST", q, "41")
		synctest.Wait()
		if n := ended.Load(); n != 2 {
			t.Fatalf("%d of 2 actions know that the client has left", n)
		}
		b.Want(200, "ok", "POST", q, "40")
		b.Do("GET", q, "")
		b.Want(200, "ok", "POST", q, event)
		b.Want(200, answer, "GET", q, "")
	}, wait)
}
