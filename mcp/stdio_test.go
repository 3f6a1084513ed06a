package mcp_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
)

// The test binary is the app of these tests: it runs the command line in the variable.
func init() {
	args, ok := os.LookupEnv("MCP_TEST_APP")
	if !ok {
		return
	}
	os.Exit(cli.Run(context.Background(), os.Stdout, os.Stderr, append([]string{"app"}, strings.Fields(args)...), streamParts()...))
}

// revoked is whether the app of the process accepts no token any more.
var revoked atomic.Bool

func streamParts() []actionhero.Part {
	return []actionhero.Part{
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (none actionhero.Identity, err error) {
			if revoked.Load() && c.Bearer() != "" {
				err = actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is revoked")
			}
			return none, err
		}),
		isTool(does("revoke", func(context.Context) error { revoked.Store(true); return nil })),
		knows, actionhero.DefaultAccess(actionhero.Authenticated),
		who("open", actionhero.Public), who("own", actionhero.Access{}), who("admins", actionhero.Roles("admin")),
		isTool(does("print", func(context.Context) error {
			_, err := io.WriteString(os.Stdout, "this is no message\n")
			return err
		})),
		mcp.New(mcp.Options{}),
	}
}

// app connects a client to a process of the app that runs the command mcp.
func app(t *testing.T, version string, variables []string, flags ...string) (*sdk.ClientSession, *bytes.Buffer) {
	t.Helper()
	file := t.TempDir() + "/config.json"
	testkit.WriteFile(t, file, `{"tasks": {"memory": true}}`)
	cmd := testCommand(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(append(os.Environ(), variables...), "MCP_TEST_APP=--config "+file+" mcp "+strings.Join(flags, " "))
	client := sdk.NewClient(&sdk.Implementation{Name: "tester", Version: "1.2"}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}})
	session, err := client.Connect(t.Context(), &sdk.CommandTransport{Command: cmd}, &sdk.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	return session, &stderr
}

func TestTheCommandServesTheStandardStreams(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version   string
		variables []string
		flags     []string
		tools     []string
		id        string
	}{
		"anonymous": {versions[0], nil, nil, []string{"open"}, ""},
		"a token":   {versions[1], []string{"ACTIONHERO_MCP_TOKEN=ann"}, nil, []string{"open", "own", "print", "revoke"}, "ann"},
		"a user":    {versions[0], nil, []string{"--user=bob", "--roles=admin,agent"}, []string{"admins", "open", "own", "print", "revoke"}, "bob"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, stderr := app(t, test.version, test.variables, test.flags...)
			if got := names(t, session); !slices.Equal(got, test.tools) {
				t.Errorf("the tools are %v, want %v", got, test.tools)
			}
			if test.id != "" {
				call(t, session, "print", nil)
			}
			if got := structured(t, call(t, session, "open", nil)); got != `{"header":"","id":"`+test.id+`","ip":"","transport":"mcp"}` {
				t.Errorf("the caller is %s", got)
			}
			if got := call(t, session, "own", nil); test.id == "" && failureOf(t, got).ErrorCode != "unauthenticated" {
				t.Errorf("an anonymous call is answered with %s", text(t, got))
			}
			if err := session.Close(); err != nil {
				t.Errorf("the end: %v: %s", err, stderr)
			}
			if log := stderr.String(); !strings.Contains(log, "an agent has called a tool") || test.id != "" && !strings.Contains(log, "this is no message") {
				t.Errorf("standard error has\n%s", log)
			}
		})
	}
}

// A token that is revoked while the process runs is refused with the next message. A user of the flags needs no token.
func TestARevokedTokenEndsOverTheStandardStreams(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		variables, flags []string
		want             string
	}{
		"a token": {[]string{"ACTIONHERO_MCP_TOKEN=ann"}, nil, "the token is revoked"},
		"a user":  {[]string{"ACTIONHERO_MCP_TOKEN=ann"}, []string{"--user=bob"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, stderr := app(t, versions[0], test.variables, test.flags...)
			call(t, session, "own", nil)
			call(t, session, "revoke", nil)
			_, listErr := session.ListTools(t.Context(), nil)
			_, callErr := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "own"})
			for _, err := range []error{listErr, callErr} {
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("after the token was revoked: %v, want %q", err, test.want)
				}
			}
			if err := session.Close(); err != nil {
				t.Errorf("the end: %v: %s", err, stderr)
			}
		})
	}
}

func TestTheCommandRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/config.json"
	testkit.WriteFile(t, file, `{"tasks": {"memory": true}}`)
	for name, test := range map[string]struct {
		variable, args, want string
	}{
		"a wrong token":        {"wrong", "", "the token in mcp.token (ACTIONHERO_MCP_TOKEN) is refused: no such token"},
		"roles without a user": {"", "--roles=admin", "--roles and --scopes need --user: name the user who has them"},
	} {
		cmd := testCommand(t)
		cmd.Env = append(os.Environ(), "ACTIONHERO_MCP_TOKEN="+test.variable, "MCP_TEST_APP=--config "+file+" mcp "+test.args)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Error: "+test.want+"\n") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
