package goruntime

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// lineServer calls serve for each connection, with the number of the connection. Each one begins with a welcome.
func lineServer(t *testing.T, serve func(n int, in *bufio.Scanner, out net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, `{"welcome":"x","context":"api","messageCount":0}`)
			serve(n, bufio.NewScanner(conn), conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "tcp://" + l.Addr().String()
}

// reply reads a line and answers it.
func reply(in *bufio.Scanner, out net.Conn, n int, members string) (line string) {
	if !in.Scan() {
		return ""
	}
	fmt.Fprintf(out, `{"context":"response","messageCount":%d%s}`+"\n", n, members)
	return in.Text()
}

var pay = &Spec{Name: "pay", Path: "/api/pay", Keyed: true}

// The connection may end while the client logs in or enters its rooms. The client then connects again at once, and does not
// wait for the answers.
func TestAConnectionThatEndsDuringTheLoginIsOpenedAgain(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 2)
	url := lineServer(t, func(n int, in *bufio.Scanner, out net.Conn) {
		switch {
		case n < 2:
			in.Scan() // the login, or the room, which gets no answer
			if n == 1 {
				fmt.Fprintln(out, `{"context":"response","messageCount":1}`)
				in.Scan()
			}
		case n == 2:
			reply(in, out, 1, "")
			reply(in, out, 2, "")
			calls <- reply(in, out, 3, `,"error":"busy","errorCode":"unavailable","retryAfter":0`)
			calls <- reply(in, out, 4, `,"n":7`)
			in.Scan()
		}
	})
	login := &Spec{Name: "login"}
	refused := make(chan []string, 1)
	c := Connect(ConnOptions{
		URL: url, MinDelay: time.Millisecond, Login: func(ctx context.Context, via Transport) error { return via.Call(ctx, login, nil, nil) },
		OnOpen: func(rooms []string) { refused <- rooms },
	})
	defer c.Close()
	c.mu.Lock()
	c.room = "kitchen"
	c.mu.Unlock()
	var out struct{ N int }
	if err := c.Call(t.Context(), pay, map[string]int{"cents": 5}, &out); err != nil || out.N != 7 {
		t.Errorf("%v, %+v", err, out)
	}
	if rooms := <-refused; len(rooms) > 0 {
		t.Errorf("%q refuse", rooms)
	}
	c.Close()
	first, second := <-calls, <-calls
	var call struct {
		Action, IdempotencyKey string
		Params                 struct{ Cents int }
	}
	if err := json.Unmarshal([]byte(first), &call); err != nil || first != second || call.Action != "pay" || len(call.IdempotencyKey) < 16 || call.Params.Cents != 5 {
		t.Errorf("the calls are not the same with one key: %s and %s", first, second)
	}
}

func TestARoomThatRefusesAfterAReconnectIsGone(t *testing.T) {
	t.Parallel()
	url := lineServer(t, func(n int, in *bufio.Scanner, out net.Conn) {
		if n == 0 {
			reply(in, out, 1, "")
			return
		}
		reply(in, out, 1, `,"error":"not for you","errorCode":"permissionDenied"`)
		fmt.Fprintln(out, `{"message":{"event":"count","data":{"n":1}},"from":"server","context":"user","room":"a","messageCount":1}`)
		fmt.Fprintln(out, `{"message":{"event":"count","data":"no object"},"from":"server","context":"user","messageCount":1}`)
		fmt.Fprintln(out, `{"message":"hello","from":"ann","context":"user","messageCount":1}`)
		in.Scan()
	})
	opened, values, wrong, said := make(chan []string, 2), make(chan int, 2), make(chan error, 1), make(chan Message, 3)
	c := Connect(ConnOptions{
		URL: url, MinDelay: time.Millisecond, OnOpen: func(refused []string) { opened <- refused },
		OnError: func(err error) { wrong <- err }, OnMessage: func(m Message) { said <- m },
	})
	defer c.Close()
	type count struct{ N int }
	stop := onEvent(c, "count", func(v count, m Message) {
		if m.Room == "a" {
			values <- v.N
		}
	})
	if err := c.RoomAdd(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if first, second := <-opened, <-opened; len(first) != 0 || len(second) != 1 || second[0] != "a" || len(c.rooms) != 0 {
		t.Errorf("%q and %q refuse", first, second)
	}
	if n, err := <-values, <-wrong; n != 1 || !strings.Contains(err.Error(), "the event count does not have the type") {
		t.Errorf("%d, %v", n, err)
	}
	stop()
	<-said
	<-said
	if m := <-said; string(m.Text) != `"hello"` || m.From != "ann" || m.Room != "" {
		t.Errorf("%+v", m)
	}
}

// The client abandons a silent server. A call that waits for a connection ends with its context, and with the connection.
func TestASilentServerIsGivenUp(t *testing.T) {
	t.Parallel()
	url := lineServer(t, func(_ int, in *bufio.Scanner, _ net.Conn) {
		for in.Scan() {
		}
	})
	closed := make(chan error, 10)
	c := Connect(ConnOptions{URL: url, Heartbeat: 20 * time.Millisecond, MinDelay: time.Hour, OnClose: func(err error) { closed <- err }})
	defer c.Close()
	if err := <-closed; err == nil || err.Error() != "the server is silent" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := c.Call(ctx, pay, nil, nil); !errors.Is(err, CodeTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	waiting := make(chan error)
	go func() { waiting <- c.Call(t.Context(), pay, nil, nil) }()
	c.Close()
	if err := <-waiting; !errors.Is(err, CodeClosed) {
		t.Errorf("%v", err)
	}
}

func TestAURLThatCannotBeDialedIsAnError(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"localhost:5000", "ftp://x", "http://%zz"} {
		closed := make(chan error, 10)
		c := Connect(ConnOptions{URL: url, OnClose: func(err error) { closed <- err }})
		if err := <-closed; err == nil {
			t.Errorf("%s is dialed", url)
		}
		c.Close()
	}
	for status, want := range map[int]string{http.StatusOK: "opens no WebSocket", http.StatusUnauthorized: "who are you"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who are you", status) }))
		closed := make(chan error, 10)
		c := Connect(ConnOptions{URL: s.URL, OnClose: func(err error) { closed <- err }})
		if err := <-closed; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
		c.Close()
		s.Close()
	}
}
