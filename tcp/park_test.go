package tcp_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// parkTime is longer than the time after which package connloop parks an idle connection.
const parkTime = 2 * time.Second

// An idle connection parks. No request is lost, and neither LineTimeout nor IdleTimeout starts again.
func TestPark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const idle = 10 * time.Second
		api := testkit.NewAPI(t)
		s := tcp.New(api, tcp.Config{Enable: new(false), IdleTimeout: idle})
		api.Add(s)
		testkit.StartAPI(t, api)
		client, server := net.Pipe()
		t.Cleanup(func() { _ = client.Close() })
		s.Serve(server)
		in := bufio.NewReader(client)
		wantLine := func(part string) {
			t.Helper()
			if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, part) {
				t.Fatalf("read %q, %v; want %s", line, err, part)
			}
		}
		wantLine(`"welcome"`)
		for range 3 {
			synctest.Wait()
			if s.Parked() {
				t.Fatal("a connection that has just run a request is parked")
			}
			time.Sleep(parkTime)
			synctest.Wait()
			if !s.Parked() {
				t.Fatal("an idle connection does not park")
			}
			if _, err := io.WriteString(client, "rand"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(parkTime) // the connection parks in the middle of a line
			if _, err := io.WriteString(client, "omNumber\r\n"); err != nil {
				t.Fatal(err)
			}
			wantLine(`"randomNumber"`)
		}
		start := time.Now()
		wantLine(`"Bye!"`)
		if d := time.Since(start); d != idle {
			t.Errorf("an idle client is closed after %v, not %v", d, idle)
		}
	})
}
