package builtin_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/transport"
)

// statusFor runs the action status for a client with this address.
func statusFor(t *testing.T, api *actionhero.API, name, ip string) string {
	t.Helper()
	req := transport.Of(api).NewRequest(name)
	req.Action, req.RemoteIP = "status", ip
	out, err := transport.Of(api).Dispatch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// A stranger learns of an app that it is up and its version, and nothing of its machine, its memory or its work.
func TestStatusTellsAStrangerLittle(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status        actionhero.Part
		transport, ip string
		all           bool
	}{
		{builtin.Status, "web", "127.0.0.1", true},
		{builtin.Status, "web", "::1", true},
		{builtin.Status, "tcp", "::ffff:127.0.0.1", true},
		{builtin.Status, "internal", "", true},
		{builtin.Status, "web", "192.0.2.1", false},
		{builtin.Status, "tcp", "10.0.0.1", false},
		{builtin.Status, "websocket", "127.0.0.1", false},
		{builtin.Status, "socketio", "127.0.0.1", false},
		{builtin.FullStatus, "web", "192.0.2.1", true},
		{builtin.FullStatus, "websocket", "192.0.2.1", true},
	} {
		api := actionherotest.New(t, test.status)
		got := statusFor(t, api, test.transport, test.ip)
		if all := strings.Contains(got, `"memoryConsumption"`) && strings.Contains(got, `"uptimeSeconds"`); all != test.all {
			t.Errorf("over %s from %q: %s", test.transport, test.ip, got)
		}
		if want := fmt.Sprintf(`{"stats":{"up":true,"version":%q}}`, api.Config().APIVersion); !test.all && got != want {
			t.Errorf("a stranger reads %s, want %s", got, want)
		}
	}
}

// A request that a proxy of this machine passes on is one of a stranger.
func TestStatusBehindAProxyOfTheSameMachine(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, builtin.All)
	for _, header := range []string{"", "X-Forwarded-For: 192.0.2.1", "x-real-ip: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 proxy"} {
		nc, err := net.Dial("tcp", s.Web.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		request := "GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		if header != "" {
			request += header + "\r\n"
		}
		if _, err := fmt.Fprint(nc, request+"\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Stats map[string]any }
		if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		nc.Close()
		if _, all := body.Stats["memoryConsumption"]; all != (header == "") {
			t.Errorf("with the header %q: %v", header, body.Stats)
		}
	}
}

// However often strangers call the demo actions, the objects that they leave in the cache are few and small.
func TestDemoActionsHaveASmallBudget(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, builtin.Demo)
	for i := range 3 * builtin.MaxTestLeft {
		if _, failure := actionherotest.Run(t, api, "actionClusterCacheTest", map[string]any{"key": fmt.Sprint("k", i), "value": strings.Repeat("v", 1000)}); failure != nil {
			t.Fatal(failure)
		}
	}
	for range 10 { // the same key again costs nothing
		if _, failure := actionherotest.Run(t, api, "actionClusterCacheTest", map[string]any{"key": "again", "value": 1}); failure != nil {
			t.Fatal(failure)
		}
	}
	if n, err := api.Cache.Size(t.Context()); n != builtin.MaxTestLeft || err != nil {
		t.Errorf("%d objects are left, %v; want %d", n, err, builtin.MaxTestLeft)
	}
	if _, err := api.Cache.Get(t.Context(), "cacheTest_again"); err != nil {
		t.Errorf("the newest object: %v", err)
	}
	for name, params := range map[string]map[string]any{
		"key":   {"key": strings.Repeat("k", builtin.MaxTestKey+1), "value": 1},
		"value": {"key": "k", "value": strings.Repeat("v", builtin.MaxTestValue)},
	} {
		for _, action := range []string{"cacheTest", "actionClusterCacheTest"} {
			if _, failure := actionherotest.Run(t, api, action, params); failure == nil || actionhero.AsError(failure).Code != actionhero.CodeInvalidInput {
				t.Errorf("%s with a large %s: %v", action, name, failure)
			}
		}
	}
}

// The default set of an app writes nothing and speaks to no one; the demo is asked for.
func TestPartsOfTheDefaultSet(t *testing.T) {
	t.Parallel()
	var names []string
	for _, info := range actionherotest.New(t, builtin.All).Actions() {
		names = append(names, info.Name)
		if info.Kind != actionhero.KindRead {
			t.Errorf("%s is of kind %v", info.Name, info.Kind)
		}
	}
	if got := strings.Join(names, " "); got != "actionsView file status" {
		t.Errorf("builtin.All has the actions %s", got)
	}
}
