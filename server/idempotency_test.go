//go:build unix

package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// askers are clients that send n calls of the action pay at once, and return the n answers in JSON.
var askers = map[string]func(s *testkit.Server, key string, n int) ([]string, error){
	"http": func(s *testkit.Server, key string, n int) ([]string, error) {
		nc, err := s.DialHTTP()
		if err != nil {
			return nil, err
		}
		defer nc.Close()
		in := bufio.NewReader(nc)
		return pipelined(nc, n, "POST /api/pay?amount=5 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nIdempotency-Key: \""+key+"\"\r\n\r\n", func() (string, error) {
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				return "", err
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			return string(text), err
		})
	},
	"tcp": func(s *testkit.Server, key string, n int) ([]string, error) {
		nc, err := s.DialTCP()
		if err != nil {
			return nil, err
		}
		defer nc.Close()
		c, err := testkit.OpenLines(nc, testkit.Wait)
		if err != nil {
			return nil, err
		}
		return pipelined(nc, n, `{"action":"pay","params":{"amount":"5"},"idempotencyKey":"`+key+"\"}\r\n", c.Line)
	},
	"websocket": func(s *testkit.Server, key string, n int) ([]string, error) {
		nc, err := s.DialHTTP()
		if err != nil {
			return nil, err
		}
		defer nc.Close()
		c, err := testkit.OpenWS(nc, "", testkit.Wait)
		if err != nil {
			return nil, err
		}
		return pipelined(nc, n, testkit.Text(`{"event":"action","params":{"action":"pay","amount":5},"idempotencyKey":"`+key+`"}`), c.Message)
	},
	"socketio": func(s *testkit.Server, key string, n int) ([]string, error) {
		nc, err := s.DialHTTP()
		if err != nil {
			return nil, err
		}
		defer nc.Close()
		c, err := testkit.OpenSIO(nc, testkit.Wait)
		if err != nil {
			return nil, err
		}
		return pipelined(nc, n, testkit.Text(`420["action",{"amount":"5.0","idempotencyKey":"`+key+`","action":"pay"}]`), func() (string, error) {
			text, err := c.Message()
			return strings.TrimSuffix(strings.TrimPrefix(text, "430["), "]"), err
		})
	},
}

// pipelined sends a request n times in one write, and reads n answers that are not messages of rooms.
func pipelined(nc net.Conn, n int, request string, next func() (string, error)) (answers []string, err error) {
	if _, err := io.WriteString(nc, strings.Repeat(request, n)); err != nil {
		return nil, err
	}
	for len(answers) < n {
		text, err := next()
		if err != nil {
			return answers, err
		}
		if strings.Contains(text, `"error":`) {
			answers = append(answers, text)
		}
	}
	return answers, nil
}

// keyCallers call the action pay with one key, from clients of all transports and nodes at the same time. A call that meets
// the run is repeated once the run has ended.
type keyCallers struct {
	t         *testing.T
	runs      atomic.Int64
	conflicts atomic.Int64
	enough    int64         // conflicts after which the run ends
	end       chan struct{} // closed then
	ended     chan struct{} // the run has been answered
	mu        sync.Mutex
	answers   map[string]int
}

func newCallers(t *testing.T, enough int64) *keyCallers {
	return &keyCallers{t: t, enough: enough, end: make(chan struct{}), ended: make(chan struct{}), answers: map[string]int{}}
}

func (c *keyCallers) action() actionhero.Part {
	type input struct {
		Amount int `json:"amount" required:"true"`
	}
	type output struct {
		Number int64             `json:"number"`
		Notes  map[string]string `json:"notes"`
	}
	return actionhero.Action[input, output]{
		Name: "pay", IdempotencyKey: actionhero.KeyRequired,
		Run: func(_ context.Context, in input) (output, error) {
			n := c.runs.Add(1)
			<-c.end
			return output{n, map[string]string{"b": "<é>", "a": fmt.Sprint(in.Amount)}}, nil
		},
	}
}

// client sends n calls, and the conflicts among them again after the run.
func (c *keyCallers) client(s *testkit.Server, ask func(*testkit.Server, string, int) ([]string, error), n int) {
	for n > 0 {
		answers, err := ask(s, "one key", n)
		if err != nil {
			c.t.Errorf("after %d answers: %v", len(answers), err)
			return
		}
		n = 0
		for _, text := range answers {
			var a struct {
				Number    int64
				Notes     json.RawMessage
				ErrorCode string
			}
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				c.t.Errorf("%v: %s", err, text)
				return
			}
			switch {
			case a.ErrorCode == "conflict" && strings.Contains(text, `"retryAfter":1`):
				n++
				if c.conflicts.Add(1) == c.enough {
					close(c.end)
				}
			case a.ErrorCode != "":
				c.t.Errorf("the answer is %s", text)
				return
			default:
				c.mu.Lock()
				if c.answers[fmt.Sprintf(`%d %s`, a.Number, a.Notes)]++; len(c.answers) == 1 {
					select {
					case <-c.ended:
					default:
						close(c.ended)
					}
				}
				c.mu.Unlock()
			}
		}
		if n > 0 {
			<-c.ended
		}
	}
}

// call lets clients of each transport of each node send n calls each, and checks that all read the answer of one run.
func (c *keyCallers) call(clients, n int, nodes ...*testkit.Server) {
	var wg sync.WaitGroup
	for _, s := range nodes {
		for _, ask := range askers {
			for range clients {
				wg.Go(func() { c.client(s, ask, n) })
			}
		}
	}
	wg.Wait()
	all := len(nodes) * len(askers) * clients * n
	if runs := c.runs.Load(); runs != 1 || c.answers[`1 {"a":"5","b":"<é>"}`] != all {
		c.t.Errorf("%d runs for %d calls, and the answers %v", runs, all, c.answers)
	}
}

func TestAThousandCallsWithOneKeyRunOnce(t *testing.T) {
	t.Parallel()
	c := newCallers(t, 200)
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{c.action()}})
	c.call(10, 25, s)
}

func TestCallsWithOneKeyRunOnceInACluster(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	c := newCallers(t, 100)
	c.call(5, 25, startOverRedis(t, redis.Addr, prefix, "a", c.action()), startOverRedis(t, redis.Addr, prefix, "b", c.action()))
}

// A key that is no text is refused on each transport, and not taken for a call without a key.
func TestAKeyThatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	type input struct {
		Amount int `json:"amount"`
	}
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{actionhero.Action[input, map[string]int]{
		Name: "pay", IdempotencyKey: actionhero.KeyOptional, Strict: true,
		Run: func(_ context.Context, in input) (map[string]int, error) {
			return map[string]int{"paid": in.Amount}, nil
		},
	}}})
	ws, sio, tcp := s.WS(t), s.SIO(t), s.TCP(t)
	ask := map[string]func(key string) string{
		"websocket": func(key string) string {
			ws.Send(`{"event":"action","id":1,"idempotencyKey":` + key + `,"params":{"action":"pay","amount":5}}`)
			return ws.Await(`{"context":"response",`)
		},
		"socketio": func(key string) string {
			sio.Send(`420["action",{"idempotencyKey":` + key + `,"amount":5,"action":"pay"}]`)
			return sio.Await(`430[`)
		},
		"tcp": func(key string) string {
			answer, err := tcp.Call(`{"idempotencyKey":` + key + `,"action":"pay","params":{"amount":5}}`)
			if err != nil {
				t.Error(err)
			}
			return answer
		},
	}
	for name, ask := range ask {
		if answer := ask(`"k"`); !strings.Contains(answer, `"paid":5`) {
			t.Errorf("over %s: %s", name, answer)
		}
		for _, key := range []string{`1`, `""`, `null`, `{}`, `["k"]`, `"\u0007"`} {
			if answer := ask(key); !strings.Contains(answer, `"errorCode":"invalidInput"`) || strings.Contains(answer, "paid") {
				t.Errorf("over %s with the key %s: %s", name, key, answer)
			}
		}
	}
}

// For an action without keys, the member of a Socket.IO argument is a param like any other.
func TestAParamMayHaveTheNameOfTheKey(t *testing.T) {
	t.Parallel()
	type input struct {
		Key string `json:"idempotencyKey"`
	}
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{actionhero.Action[input, map[string]string]{
		Name: "forward",
		Run: func(_ context.Context, in input) (map[string]string, error) {
			return map[string]string{"key": in.Key}, nil
		},
	}}})
	for name, connect := range testkit.Transports {
		if name == "worker" {
			continue
		}
		if a := connect(t, s).Do("forward", map[string]string{"idempotencyKey": "a \"key\""}); !strings.Contains(a.JSON, `"key":"a \"key\""`) {
			t.Errorf("over %s: %s", name, a.JSON)
		}
	}
}
