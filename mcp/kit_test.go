package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
	"github.com/actionhero-go/actionhero/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// versions are those of MCP with which the tests run: without and with sessions.
var versions = []string{"2026-07-28", "2025-11-25"}

// isTool makes an action a tool.
func isTool[In, Out any](a actionhero.Action[In, Out]) actionhero.Part {
	if a.Tool == nil {
		a.Tool = &actionhero.Tool{}
	}
	if a.Description == "" {
		a.Description = "does " + a.Name
	}
	return a
}

// start starts a server with the part mcp and further parts.
func start(t testing.TB, change func(cfg *server.Config), parts ...actionhero.Part) *testkit.Server {
	return testkit.Start(t, testkit.Options{Parts: append(parts, mcp.New(mcp.Options{Title: "The test", Instructions: "be kind"})), Change: change})
}

// headers is an http.RoundTripper that adds headers to each request.
type headers struct {
	next http.RoundTripper
	add  map[string]string
}

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range h.add {
		r.Header.Set(name, value)
	}
	return h.next.RoundTrip(r)
}

// tryConnect connects a client that speaks a version and sends headers.
func tryConnect(t testing.TB, s *testkit.Server, version string, add map[string]string) (*sdk.ClientSession, error) {
	t.Helper()
	base := s.HTTP(t)
	transport := &sdk.StreamableClientTransport{
		Endpoint: base.Base + "/mcp", HTTPClient: &http.Client{Transport: headers{base.Transport, add}}, DisableStandaloneSSE: true, MaxRetries: -1,
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "tester", Version: "1.2"}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}})
	session, err := client.Connect(t.Context(), transport, &sdk.ClientSessionOptions{ProtocolVersion: version})
	if err == nil {
		t.Cleanup(func() { _ = session.Close() })
	}
	return session, err
}

func connect(t testing.TB, s *testkit.Server, version string, add map[string]string) *sdk.ClientSession {
	t.Helper()
	session, err := tryConnect(t, s, version, add)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// call calls a tool and fails the test if the protocol fails.
func call(t testing.TB, session *sdk.ClientSession, name string, arguments any) *sdk.CallToolResult {
	t.Helper()
	got, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return got
}

// text returns the only content of a result, which must be text.
func text(t testing.TB, got *sdk.CallToolResult) string {
	t.Helper()
	if len(got.Content) != 1 {
		t.Fatalf("the result has %d contents", len(got.Content))
	}
	content, ok := got.Content[0].(*sdk.TextContent)
	if !ok {
		t.Fatalf("the content is a %T", got.Content[0])
	}
	return content.Text
}

// failure is the error in a result.
type failure struct {
	Error, ErrorCode string
	ErrorDetails     []actionhero.Detail
	RetryAfter       int
}

// failureOf returns the error of a failed call. Both places of the error must agree.
func failureOf(t testing.TB, got *sdk.CallToolResult) (f failure) {
	t.Helper()
	if !got.IsError {
		t.Fatalf("the call has not failed: %s", text(t, got))
	}
	if err := json.Unmarshal([]byte(text(t, got)), &f); err != nil {
		t.Fatal(err)
	}
	meta, err := json.Marshal(got.Meta["actionhero/error"])
	if err != nil {
		t.Fatal(err)
	}
	var same failure
	if err := json.Unmarshal(meta, &same); err != nil || same.Error != f.Error || same.ErrorCode != f.ErrorCode {
		t.Errorf("the text has the error %v, and _meta %s", f, meta)
	}
	if got.StructuredContent != nil {
		t.Errorf("a failure has the structured content %v, which clients check against the schema", got.StructuredContent)
	}
	return f
}

func structured(t testing.TB, got *sdk.CallToolResult) string {
	t.Helper()
	object, err := json.Marshal(got.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	return string(object)
}

func names(t testing.TB, session *sdk.ClientSession) (names []string) {
	t.Helper()
	list, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}

// does returns an action without input and output.
func does(name string, run func(ctx context.Context) error) actionhero.Action[actionhero.None, actionhero.None] {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: name, Description: "does " + name,
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) { return n, run(ctx) },
	}
}

func toolCall(name string, arguments any) *sdk.CallToolParams {
	return &sdk.CallToolParams{Name: name, Arguments: arguments}
}

// settings returns a change of the settings of the part.
func settings(change func(cfg *mcp.Config)) func(cfg *server.Config) {
	return func(cfg *server.Config) {
		name, own, err := actionhero.Section[mcp.Config]("mcp").Defaults()
		if err != nil {
			panic(err)
		}
		change(own.(*mcp.Config))
		cfg.General.Sections = map[string]any{name: own}
	}
}

// testCommand returns a command that runs this test binary.
func testCommand(t testing.TB) *exec.Cmd {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), binary)
}
