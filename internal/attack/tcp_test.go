//go:build hostile

package attack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// byTCP is the two ways to connect to TCP.
func (s *target) byTCP() map[string]dialer {
	return map[string]dialer{"TCP": s.DialTCP, "TLS": s.DialTCPOverTLS}
}

// lines connects a client that returns errors.
func lines(dial dialer) (*testkit.Lines, error) {
	nc, err := dial()
	if err != nil {
		return nil, err
	}
	return testkit.OpenLines(nc, atOnce)
}

// newLines connects a client that goes with the test.
func newLines(t testing.TB, dial dialer) *testkit.Lines {
	t.Helper()
	c, err := lines(dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// wellBehavedTCP starts clients that do no harm: one with a new connection for each call, one over TLS that keeps its
// own.
func (s *target) wellBehavedTCP(t testing.TB) (check func()) {
	t.Helper()
	ask := func(c *testkit.Lines) error {
		answer, err := c.Call("randomNumber")
		if err == nil && !strings.Contains(answer, `"error":false`) {
			err = errors.New("the answer is " + answer)
		}
		return err
	}
	fresh := testkit.StartProbe("TCP, a connection for each call", func() error {
		c, err := lines(s.DialTCP)
		if err != nil {
			return err
		}
		defer c.Close()
		return ask(c)
	})
	kept, err := lines(s.DialTCPOverTLS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Call("roomChange elsewhere"); err != nil {
		t.Fatal(err)
	}
	tls := testkit.StartProbe("TLS, one connection", func() error { return ask(kept) })
	return func() {
		t.Helper()
		fresh.Check(t)
		tls.Check(t)
		_ = kept.Close()
	}
}

func TestTCPNoFileOutsideIsServed(t *testing.T) {
	t.Parallel()
	s := newTarget(t, func(cfg *server.Config) { cfg.TCPServer.MaxLineBytes = 1 << 20 })
	for way, dial := range s.byTCP() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c := newLines(t, dial)
			for _, name := range s.tree.Names() {
				for _, form := range append(testkit.Encodings(name), name) {
					for _, answer := range fileAnswers(t, c, form) {
						if testkit.Leaks(answer) || form != "plain.txt" && !strings.Contains(answer, `"error":"`) {
							t.Fatalf("%.200q: %.300q", form, answer)
						}
					}
				}
			}
			for _, name := range []string{"plain.txt", "/plain.txt", "inside"} {
				for _, answer := range fileAnswers(t, c, name) {
					if answer != testkit.Plain {
						t.Errorf("%s: %q: the test shows nothing", name, answer)
					}
				}
			}
		})
	}
}

// fileAnswers asks for a file in both ways.
func fileAnswers(t *testing.T, c *testkit.Lines, name string) (list []string) {
	t.Helper()
	params, err := json.Marshal(map[string]any{"action": "file", "params": map[string]string{"fileName": name}})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{string(params)}
	if !strings.ContainsAny(name, "\r\n") && len(name) < 30_000 {
		lines = append(lines, "file")
		if answer, err := c.Call("paramAdd fileName=" + name); err != nil || !strings.Contains(answer, "OK") {
			t.Fatalf("%.100q: %s, %v", name, answer, err)
		}
	}
	for _, line := range lines {
		if err := c.WriteText(line + "\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := c.Line()
		if err != nil {
			t.Fatalf("%.100q: %v", line, err)
		}
		list = append(list, answer)
	}
	return list
}

func params(text string) string { return `{"action":"odd","params":` + text + `}` }

func TestTCPOddLines(t *testing.T) {
	t.Parallel()
	s := newTarget(t, func(cfg *server.Config) { cfg.TCPServer.MaxLineBytes = 1 << 20 }, odd)
	for way, dial := range s.byTCP() {
		c := newLines(t, dial)
		for _, test := range []struct{ name, line, want string }{
			{"64 levels", params(`{"any":` + strings.Repeat("[", 62) + strings.Repeat("]", 62) + "}"), `"error":false`},
			{"66 levels", params(`{"any":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}"), "64 levels"},
			{"500,000 levels", params(`{"any":` + strings.Repeat("[", 500_000)), "64 levels"},
			{"9,998 more params", params(`{"key":"v"` + many(9_998, `,"k%d":1`) + "}"), `"key":"v"`},
			{"10,001 more params", params(`{"key":"v"` + many(10_001, `,"k%d":1`) + "}"), "10000 parameters"},
			{"a param twice", params(`{"key":"a","key":"b"}`), "twice"},
			{"action twice", `{"action":"odd","action":"odd"}`, "twice"},
			{"params twice", `{"action":"odd","params":{},"params":{}}`, "twice"},
			{"invalid UTF-8", params("{\"key\":\"a\xffb\"}"), "a\ufffdb"},
			{"params null", params(`null`), `"error":false`},
			{"params a number", params(`7`), "params must be an object"},
			{"params a list", params(`[]`), "params must be an object"},
			{"null for each param", params(`{"key":null,"n":null,"list":null,"map":null,"any":null,"limit":null}`), `"error":false`},
			{"half a surrogate", params(`{"key":"\ud800\u0000"}`), `"error":false`},
			{"a huge number", params(`{"n":1e999999999}`), "n must be"},
			{"a list as limit", params(`{"limit":[1]}`), "limit must be"},
			{"action null", `{"action":null}`, "action must be a string"},
			{"action a number", `{"action":1e5}`, "action must be a string"},
			{"an empty object", `{}`, "{no action}"},
			{"an open brace", `{`, "offset"},
			{"a brace too many", `{}}`, "offset"},
			{"a NUL after the object", "{\"action\":\"odd\"}\x00", "offset"},
			{"null", `null`, "null is not a known action"},
			{"a NUL in a name", "odd\x00", "is not a known action"},
			{"bytes that are no text", "\xfe\xc0", "\ufffd is not a known action"},
			{"escape codes", "\x1b[2J\u2028", `\u001b[2J\u2028 is not a known action`},
			{"a long name", strings.Repeat("a", 500_000), "is not a known action"},
			{"spaces before the command", "\t \tparamView", `"params":{}`},
			{"a param without a name", "paramAdd", "Cannot set null"},
			{"an empty name", "paramAdd =x", "Cannot set null"},
			{"odd bytes in a param", "paramAdd \x00=\xff", "OK"},
			{"the odd bytes come back", "paramsView", `"\u0000":"` + "\ufffd"},
			{"a room without a name", "roomChange", "room must be"},
			{"the longest name of a room", "roomChange " + strings.Repeat("r", 128), `"status":"OK"`},
			{"a name too long for a room", "roomChange " + strings.Repeat("r", 129), "128 bytes"},
			{"a long key of the cache", `{"action":"cacheTest","params":{"key":"` + strings.Repeat("k", 1100) + `","value":1}}`, "key"},
			{"a long message", "say " + strings.Repeat("s", 500_000), "65536 bytes at most"},
		} {
			answer, err := c.Call(test.line)
			if err != nil || !strings.Contains(answer, test.want) {
				t.Errorf("%s, %s: %.100q is answered with %.300q, %v: want %q in it", way, test.name, test.line, answer, err, test.want)
				break // the next answer would not be the next line's
			}
		}
	}
}

// TestTCPLineWithoutEnd sends 64 MiB without a line end: it is cut at the limit, and the client can read why.
func TestTCPLineWithoutEnd(t *testing.T) {
	s := newTarget(t, nil)
	for way, dial := range s.byTCP() {
		for name, begin := range map[string]string{"text": "", "text after a line": "randomNumber\r\n", "an object": `{"action":"`} {
			name := way + ", " + name
			c := newLines(t, dial)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start, load := time.Now(), testkit.StartContention()
			sent := make(chan int, 1)
			go func() {
				n, chunk := 0, strings.Repeat("a", 1<<20)
				for ; n < 64; n++ {
					if err := c.WriteText(begin + chunk); err != nil {
						break
					}
					begin = ""
				}
				sent <- n
			}()
			answer, _ := c.Line()
			if strings.Contains(answer, "randomNumber") {
				answer, _ = c.Line()
			}
			rest, ended := c.Rest()
			took := time.Since(start)
			_ = c.Close()
			n := <-sent
			runtime.ReadMemStats(&after)
			if !strings.Contains(answer, "65536 bytes at most") || !ended || rest != "" {
				t.Errorf("%s: the answer is %q, then %q, closed: %v", name, answer, rest, ended)
			}
			if took > load.Stretch(time.Second) || n == 64 {
				t.Errorf("%s: the server took %v and %d MiB", name, took, n)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
				t.Errorf("%s: %d KiB were allocated for a line of 64 KiB", name, grown>>10)
			}
		}
	}
}

// It looks at the memory of the process, so no other test may run at the same time.
func TestTCPStickyParamsAreBounded(t *testing.T) {
	s := newTarget(t, nil)
	c := newLines(t, s.DialTCP)
	call := func(line, want string) {
		t.Helper()
		if answer, err := c.Call(line); err != nil || !strings.Contains(answer, want) {
			t.Fatalf("%.50q is answered with %.200q, %v: want %q", line, answer, err, want)
		}
	}
	const refusal = "a connection may keep 256 params of 65536 bytes at most"
	for i := range 256 {
		call("paramAdd key"+strconv.Itoa(i)+"=v", `"status":"OK"`)
	}
	call("paramAdd one=more", refusal)
	call("paramAdd key7=another", `"status":"OK"`)
	call("paramDelete key7", `"status":"OK"`)
	call("paramAdd one=more", `"status":"OK"`)
	call("paramsDelete", `"status":"OK"`)
	call("paramAdd a="+strings.Repeat("a", 40<<10), `"status":"OK"`)
	call("paramAdd b="+strings.Repeat("b", 40<<10), refusal)
	call("paramAdd a=short", `"status":"OK"`)
	call("paramAdd b="+strings.Repeat("b", 40<<10), `"status":"OK"`)
	call("randomNumber", `"error":false`)

	// A short value in a long line must not keep the line.
	call("paramsDelete", `"status":"OK"`)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range 250 {
		call("paramAdd "+strings.Repeat(" ", 60<<10)+strconv.Itoa(i)+"=v", `"status":"OK"`)
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("250 short params take %d KiB", grown>>10)
	}
}

func TestTCPThousandPanics(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	guarded := boom
	guarded.Middleware = []actionhero.Middleware{panics}
	s := newTarget(t, nil, guarded)
	wellBehaved := s.wellBehavedTCP(t)
	var clients sync.WaitGroup
	for n := range 20 {
		clients.Go(func() {
			c, err := lines([]dialer{s.DialTCP, s.DialTCPOverTLS}[n%2])
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for i := range 50 {
				line := fmt.Sprintf(`{"action":"boom","params":{"limit":%d,"key":"%s"}}`, n*50+i, []string{"middleware", "action"}[i%2])
				if answer, err := c.Call(line); err != nil || !strings.Contains(answer, `"error":"The server experienced an internal error"`) {
					t.Errorf("%q, %v", answer, err)
				}
			}
		})
	}
	clients.Wait()
	wellBehaved()
	s.Stop()
	leaks()
	failures := s.Log.With("cause", "panic: ")
	seen := map[string]bool{}
	for _, e := range failures {
		seen[e.Attrs["params"]] = true
		if e.Level != slog.LevelError || !strings.Contains(e.Attrs["cause"], boomFile) {
			t.Fatalf("a panic is logged as %+v: without its stack", e)
		}
	}
	if len(failures) != 1000 || len(seen) != 1000 {
		t.Errorf("1000 panics are logged %d times, %d different ones", len(failures), len(seen))
	}
}

// Each request is one record of the log, whatever is in it.
func TestTCPOneRecordForEachRequest(t *testing.T) {
	t.Parallel()
	s := newTarget(t, nil, odd)
	c := newLines(t, s.DialTCP)
	for _, line := range []string{
		`{"action":"odd","params":{"key":"\r\n2038 | forged\u001b[2J"}}`, "paramAdd key=\x1b[2J\u2028", "odd", "forged\x1b[2J\r\x00", "\r\r", "{\"action\":\"\\n\"}",
	} {
		if err := c.WriteText(line + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Call("quit"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, c)
	s.Stop()
	var requests []string
	for _, e := range s.Log.Entries() {
		if e.Message == "[action @ tcp]" {
			requests = append(requests, e.Attrs["params"])
			if strings.ContainsAny(e.Attrs["params"], "\r\n\x1b\u2028") {
				t.Errorf("the log has %q", e.Attrs["params"])
			}
		}
	}
	if len(requests) != 5 {
		t.Errorf("5 requests are logged as %q", requests)
	}
}

// A client that asks for more at once than its queue holds, and reads, gets all of it.
func TestTCPBurstOfLargeAnswers(t *testing.T) {
	t.Parallel()
	s := newTarget(t, nil, large, medium)
	for way, dial := range s.byTCP() {
		c := newLines(t, dial)
		for _, name := range []string{"large", "medium"} {
			if err := c.WriteText(strings.Repeat(name+"\r\n", 300)); err != nil {
				t.Fatal(err)
			}
			for i := range 300 {
				if answer, err := c.Line(); err != nil || !strings.Contains(answer, `"error":false`) {
					t.Fatalf("%s: answer %d to a burst of %s is %.100q, %v; the log has %v", way, i+1, name, answer, err, s.Log.With("reason", ""))
				}
			}
		}
	}
}
