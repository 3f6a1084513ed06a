package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

type credentials struct {
	User     string `json:"user"`
	Password string `json:"password" secret:"true"`
}

type secretInput struct {
	Login  credentials            `json:"login"`
	Others []credentials          `json:"others"`
	Named  map[string]credentials `json:"named"`
	Token  string                 `json:"token" secret:"true"`
}

// secretServer has an action and a task that take secrets at each level and fail, so that their params are logged.
func secretServer(t *testing.T) *testkit.Server {
	action := actionhero.Action[secretInput, actionhero.None]{
		Name: "secrets",
		Run: func(context.Context, secretInput) (n actionhero.None, err error) {
			return n, errors.New("it fails")
		},
	}
	task := actionhero.Task[secretInput]{Name: "secrets", Run: func(context.Context, secretInput) error { return errors.New("it fails") }}
	return testkit.Start(t, testkit.Options{
		Parts:  actionhero.Parts{action, task},
		Change: func(cfg *server.Config) { cfg.Log.LogRequests = new(true) },
	})
}

const secretParams = `{"login":{"user":"ann","password":"hunter2"},"others":[{"user":"bob","password":"hunter2"}],"named":{"x":{"user":"eve","password":"hunter2"}},"token":"hunter2"}`

// A secret is neither logged nor repeated, at whatever depth of the params it stands, over every transport.
func TestASecretIsNeverShownAtAnyDepth(t *testing.T) {
	t.Parallel()
	s := secretServer(t)
	var shown strings.Builder
	shown.WriteString(s.HTTP(t).Ask("POST", "/api/secrets", secretParams, "Content-Type: application/json").Text)
	tcp := s.TCP(t)
	for _, line := range []string{
		`{"action":"secrets","params":` + secretParams + `}`, `paramAdd login={"user":"ann","password":"hunter2"}`, `paramAdd others=[{"user":"bob","password":"hunter2"}]`,
		`paramAdd token=hunter2`, `paramView login`, `paramView token`, `paramsView`, `detailsView`, `secrets`, `paramAdd login={"password":"hunter2"`, `paramsView`, `secrets`,
	} {
		tcp.Send(line + "\r\n")
		shown.WriteString(tcp.Next() + "\n")
	}
	ws := s.WS(t)
	ws.Send(`{"event":"action","id":1,"params":{"action":"secrets",` + secretParams[1:] + `}`)
	shown.WriteString(ws.Next() + "\n")
	if err := s.Tasks.Run(t.Context(), "secrets", map[string]any{"login": map[string]string{"user": "ann", "password": "hunter2"}}); err == nil {
		t.Error("the task does not fail")
	}
	if strings.Contains(shown.String(), "hunter2") {
		t.Errorf("a secret is repeated: %s", shown.String())
	}
	if s.Log.Has("hunter2") {
		t.Errorf("a secret is logged: %v", s.Log.With("params", "hunter2"))
	}
	for _, want := range []string{`"login":{"user":"ann","password":"[FILTERED]"}`, `"others":[{"user":"bob","password":"[FILTERED]"}]`, `"named":{"x":{"user":"eve","password":"[FILTERED]"}}`} {
		if !strings.Contains(shown.String(), want) || !s.Log.Has(want) {
			t.Errorf("%s is not in the echo or not in the log: %s", want, shown.String())
		}
	}
	if n := len(s.Log.With("params", `"user":"ann"`)); n != 4 {
		t.Errorf("the log has %d lines with the params", n)
	}
}

// A client cannot push older lines out of the log, nor keep much memory with answers that it reads slowly: the log and
// the echo show the beginning of a long value and its size.
func TestLongParamsAreShortenedInTheLogAndTheEcho(t *testing.T) {
	t.Parallel()
	s := secretServer(t)
	long := strings.Repeat("a", 300_000)
	reply := s.HTTP(t).Ask("POST", "/api/secrets", `{"named":{"`+long+`":{}},"login":{"user":"`+long+`"}}`, "Content-Type: application/json")
	if reply.StatusCode != http.StatusInternalServerError || len(reply.Text) > 12_000 || !strings.Contains(reply.Text, " bytes)") {
		t.Errorf("%d, %d bytes: %.500s", reply.StatusCode, len(reply.Text), reply.Text)
	}
	lines := s.Log.With("params", " bytes)")
	if len(lines) != 1 || len(lines[0].Attrs["params"]) > 2_000 {
		t.Errorf("the log has %d lines: %.3000v", len(lines), lines)
	}
	list := strings.Repeat("others=a&", 9_000)
	if reply = s.HTTP(t).Ask("POST", "/api/secrets", list, "Content-Type: application/x-www-form-urlencoded"); len(reply.Text) > 24_000 {
		t.Errorf("a list of 9,000 texts answers %d bytes", len(reply.Text))
	}
}
