package mcp_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
)

// newHeaders are the headers of an ordinary call of a tool.
func newHeaders(tool string) []string {
	return append([]string{"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: " + tool}, jsonHeaders...)
}

func newCall(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{"name":%q,"arguments":%s,"_meta":%s}}`, tool, arguments, meta)
}

// The library answers a message with a parameter in its Content-Type, and no other one here.
func TestAnOrdinaryCallIsAnsweredLikeTheLibraryDoes(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	s := start(t, nil, outcomeParts(&seen), isTool(close("any")), isTool(does("nothing", func(context.Context) error { return nil })),
		isTool(actionhero.Action[fileInput, *actionhero.Content]{
			Name: "download", Run: func(_ context.Context, in fileInput) (*actionhero.Content, error) {
				return &actionhero.Content{Body: strings.NewReader("a<b>\xff"), Name: in.Name}, nil
			},
		}))
	c := s.HTTP(t)
	for _, test := range [][2]string{
		{"any", `{"id":"12 <&> \u2028 \ud83d\ude00"}`}, {"any", `{}`}, {"any", `{"id":"1"}`}, {"nothing", `{}`}, {"outcome", `{"how":"later"}`},
		{"outcome", `{"how":"panic"}`}, {"outcome", `{"how":"ok","token":"wrong"}`}, {"outcome", `{"how":"nan"}`},
		{"download", `{"name":"a.txt"}`}, {"download", `{"name":"a.png"}`}, {"download", `{"name":"a.bin"}`},
	} {
		body := newCall(test[0], test[1])
		fast := c.Ask("POST", "/mcp", body, newHeaders(test[0])...)
		slow := c.Ask("POST", "/mcp", body, append(newHeaders(test[0])[:3], "Content-Type: application/json; charset=utf-8", jsonHeaders[1])...)
		if fast.StatusCode != 200 || slow.StatusCode != 200 || !same(fast.Text, slow.Text) {
			t.Errorf("%v is answered with\n%d %s\nthe library answers\n%d %s", test, fast.StatusCode, fast.Text, slow.StatusCode, slow.Text)
		}
		for _, name := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options"} {
			if fast.Header.Get(name) != slow.Header.Get(name) {
				t.Errorf("%v: %s is %q, of the library %q", test, name, fast.Header.Get(name), slow.Header.Get(name))
			}
		}
	}
}

func TestOnlyOrdinaryCallsBypassTheLibrary(t *testing.T) {
	t.Parallel()
	body := newCall("any", `{"id":"12"}`)
	for change, want := range map[[2]string]bool{
		{"", ""}:                                              true,
		{`"7"`, `12`}:                                         true,
		{`{"id":"12"}`, ``}:                                   false,
		{`,"arguments":{"id":"12"}`, ``}:                      true,
		{`"_meta":{`, `"_meta":{"x":{},`}:                     true,
		{`"_meta":{`, `"_meta":{"progressToken":1,`}:          false,
		{`{"id":"12"}`, `[]`}:                                 false,
		{`"7"`, `null`}:                                       false,
		{`"7"`, `1.5`}:                                        false,
		{`"id":"7",`, ``}:                                     false,
		{`"2.0"`, `"1.0"`}:                                    false,
		{`"method"`, `"Method"`}:                              false,
		{`"method"`, `"x":1,"method"`}:                        true,
		{`"method"`, `"id":1,"method"`}:                       false,
		{`"name":"any"`, `"name":"other"`}:                    false,
		{`"clientCapabilities":{}`, `"clientCapabilities":1`}: true, // another member
		{`io.modelcontextprotocol/clientCapabilities":{}`, `io.modelcontextprotocol/clientCapabilities":1`}:                           false,
		{`"io.modelcontextprotocol/protocolVersion":"2026-07-28"`, `"io.modelcontextprotocol/protocolVersion":"2025-11-25"`}:          false,
		{`"io.modelcontextprotocol/clientInfo":{"name":"raw","version":"1"}`, `"io.modelcontextprotocol/clientInfo":{"version":"1"}`}: false,
		{`}}}`, `}}`}: false,
	} {
		h := http.Header{}
		for _, header := range newHeaders("any") {
			name, value, _ := strings.Cut(header, ": ")
			h.Set(name, value)
		}
		changed := strings.Replace(body, change[0], change[1], 1)
		if got := mcp.IsOrdinary(h, []byte(changed)); got != want {
			t.Errorf("%s is ordinary: %v", changed, got)
		}
		for _, name := range []string{"Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Accept", "Content-Type"} {
			without := h.Clone()
			without.Del(name)
			if mcp.IsOrdinary(without, []byte(body)) {
				t.Errorf("without %s it is ordinary", name)
			}
			if without[name] = []string{h.Get(name), h.Get(name)}; mcp.IsOrdinary(without, []byte(body)) {
				t.Errorf("with two %s it is ordinary", name)
			}
		}
	}
}

// An ordinary call whose action ends its goroutine is answered, too, and the server serves the next one.
func TestGoexitInAnOrdinaryCallIsAnswered(t *testing.T) {
	t.Parallel()
	s := start(t, nil, isTool(close("any")), isTool(does("leave", func(context.Context) error {
		var none testing.T
		none.SkipNow() // runtime.Goexit
		return nil
	})))
	c := s.HTTP(t)
	got := c.Ask("POST", "/mcp", newCall("leave", `{}`), newHeaders("leave")...)
	if got.StatusCode != 200 || !strings.Contains(got.Text, `"errorCode":"internal"`) || !got.Close {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	if got := c.Ask("POST", "/mcp", newCall("any", `{"id":"12"}`), newHeaders("any")...); !strings.Contains(got.Text, `"votes":3`) {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	testkit.Eventually(t, "both calls are in the log", func() bool { return len(calls(s)) == 2 })
}
