package server_test

import (
	"bytes"
	"context"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// limit is a row of the table of limits.
type limit struct {
	name    string
	n       int // the value of a fixed limit, a size in bytes
	reached string
}

// driver drives a server to the edge of a limit: at the limit a request works, and one beyond it has the effect that
// the table names. A driver of a setting chooses a small value, a driver of a fixed limit uses n.
type driver func(t *testing.T, l limit)

// Each limit of docs/limits.md holds at its edge, and a client that reaches it sees what the table says.
func TestEveryLimitHoldsAtItsEdge(t *testing.T) {
	t.Parallel()
	drivers := map[string]driver{}
	for _, group := range []map[string]driver{roomLimits, requestLimits, keyedLimits, webLimits, inputLimits, tcpLimits, socketLimits, sessionLimits, storeLimits, incomingLimits, leavingLimits, authLimits} {
		maps.Copy(drivers, group)
	}
	for name, l := range limitsTable(t) {
		drive := drivers[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if drive == nil {
				t.Fatal("the limit has no driver: add one to limits_*_test.go")
			}
			drive(t, l)
		})
		delete(drivers, name)
	}
	for name := range drivers {
		t.Errorf("the driver of %s drives no limit of the table", name)
	}
}

var limitRow = regexp.MustCompile("(?m)^\\| `([\\w.]+)` \\| ([^|]*) \\| [^|]* \\| (?:client|address|request|server|user) \\| ([^|]+) \\|$")

func limitsTable(t *testing.T) map[string]limit {
	t.Helper()
	var page bytes.Buffer
	if err := server.LimitsMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	table := map[string]limit{}
	for _, row := range limitRow.FindAllStringSubmatch(page.String(), -1) {
		number, unit, _ := strings.Cut(row[2], " ")
		n, _ := strconv.Atoi(number)
		switch {
		case strings.HasPrefix(unit, "KiB"):
			n <<= 10
		case strings.HasPrefix(unit, "MiB"):
			n <<= 20
		}
		table[row[1]] = limit{row[1], n, row[3]}
	}
	if rows := strings.Count(page.String(), "\n| `"); rows != len(table) || rows == 0 {
		t.Fatalf("%d of %d rows of the table can be read", len(table), rows)
	}
	return table
}

// limited starts a server with the actions of the drivers.
func limited(t *testing.T, change func(cfg *server.Config), parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	return testkit.Start(t, testkit.Options{Parts: append(parts, limitEcho, limitDetail, limitEnqueue, limitTask, limitContent), Change: change})
}

// wide is large in memory, and has 3 bytes of JSON.
type wide struct {
	Value int     `json:"value"`
	Space [63]int `json:"-"`
}

const wideSize = 512

type limitInput struct {
	Value  any              `json:"value"`
	Text   string           `json:"text"`
	Colors []string         `json:"colors" enum:"red"`
	Counts map[string]int   `json:"counts"`
	Wide   []wide           `json:"wide"`
	Upload *actionhero.File `json:"upload"`
	Size   int              `json:"size"`
}

// limitEcho answers its input "value".
var limitEcho = actionhero.Action[limitInput, map[string]any]{
	Name: "limitEcho", Kind: actionhero.KindRead,
	Run: func(_ context.Context, in limitInput) (map[string]any, error) {
		return map[string]any{"value": in.Value}, nil
	},
}

// limitDetail adds a detail with the name "text" and a value of "size" bytes to the connection.
var limitDetail = actionhero.Action[limitInput, actionhero.None]{
	Name: "limitDetail",
	Run: func(ctx context.Context, in limitInput) (n actionhero.None, err error) {
		return n, actionhero.RequestFrom(ctx).Conn.SetDetail(in.Text, strings.Repeat("x", in.Size))
	},
}

type limitTaskInput struct {
	Text string `json:"text"`
}

var limitTask = actionhero.Task[limitTaskInput]{
	Name: "limitTask",
	Run:  func(context.Context, limitTaskInput) error { return nil },
}

// limitEnqueue enqueues limitTask, whose params have "size" bytes of JSON.
var limitEnqueue = actionhero.Action[limitInput, actionhero.None]{
	Name: "limitEnqueue",
	Run: func(ctx context.Context, in limitInput) (n actionhero.None, err error) {
		text := strings.Repeat("x", max(in.Size-len(`{"text":""}`), 0))
		_, err = limitTask.Enqueue(ctx, actionhero.RequestFrom(ctx).API, limitTaskInput{text})
		return n, err
	},
}

// limitContent answers "size" bytes.
var limitContent = actionhero.Action[limitInput, *actionhero.Content]{
	Name: "limitContent",
	Run: func(_ context.Context, in limitInput) (*actionhero.Content, error) {
		return &actionhero.Content{Name: "x.bin", Body: strings.NewReader(strings.Repeat("x", in.Size)), Size: int64(in.Size)}, nil
	},
}

// wantCode fails the test unless the answer of a persistent client has the errorCode that the table names.
func (l limit) wantCode(t *testing.T, answer string) {
	t.Helper()
	_, code, ok := strings.Cut(l.reached, "errorCode ")
	code, _, _ = strings.Cut(code, " ")
	if !ok || !strings.Contains(answer, `"errorCode":"`+code+`"`) {
		t.Errorf("beyond the limit the answer is %.300s\nbut the table says %s", answer, l.reached)
	}
}

// wantOK fails the test unless the answer says success.
func wantOK(t *testing.T, answer string) {
	t.Helper()
	if strings.Contains(answer, `"errorCode"`) || !strings.Contains(answer, `"error":false`) && !strings.Contains(answer, `"error":"OK"`) && !strings.Contains(answer, `"status":"OK"`) {
		t.Errorf("at the limit the answer is %.300s", answer)
	}
}

// wantReached fails the test unless the table says that a client that reaches the limit sees text.
func (l limit) wantReached(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(l.reached, text) {
		t.Errorf("the table says %q, the driver drives %q", l.reached, text)
	}
}
