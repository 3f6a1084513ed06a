package actions_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/examples/hello/actions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parts() actionhero.Parts { return actions.All(actions.NewUsers(actions.NewMemoryDB())) }

func TestGreet(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, parts())
	out, err := actions.Greet.Call(t.Context(), api, actions.GreetInput{Name: "Ann", Times: 2})
	if err != nil || out.Greeting != "Hello, Ann! Hello, Ann!" {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, err := actionherotest.Run(t, api, "greet", map[string]any{"name": "Ann", "times": 9}); err == nil || err.Error() != "times must be at most 5" {
		t.Errorf("with 9 times: %v", err)
	}
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, parts())
	admin := actionherotest.Connect(t, api, "admins")
	user := map[string]any{"name": "ann", "email": "ann@example.com"}
	out, err := actionherotest.Run(t, api, "createUser", user)
	if err != nil || string(out) != `{"id":1}` {
		t.Errorf("got %s, %v", out, err)
	}
	if got := admin.Messages(); len(got) != 1 || got[0].Body != `"ann is new here"` {
		t.Errorf("the admins receive %v", got)
	}
	if _, err := actionherotest.Run(t, api, "createUser", user); err == nil || actionhero.AsError(err).Code != actionhero.CodeAlreadyExists || err.Error() != "ann is taken" {
		t.Errorf("the same name again: %v", err)
	}
	if _, err := actionherotest.Run(t, api, "createUser", map[string]any{"name": "bob", "email": "nowhere"}); err == nil || actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("without a valid email address: %v", err)
	}
}

type brokenDB struct{}

func (brokenDB) Insert(context.Context, string, string) (int, error) {
	return 0, errors.New("connection refused by db.internal:5432")
}

// The client does not receive the text of an internal error.
func TestBrokenDatabase(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, actions.All(actions.NewUsers(brokenDB{})))
	_, err := actionherotest.Run(t, api, "createUser", map[string]any{"name": "ann", "email": "ann@example.com"})
	if err == nil || err.Error() != "The server experienced an internal error" {
		t.Errorf("got %v", err)
	}
}

// The middleware requires the key over HTTP and over TCP.
func TestAPIKey(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, parts(), actions.APIKey("sesame"))
	base := "http://" + s.Web.Addr().String()
	defer http.DefaultClient.CloseIdleConnections()
	for url, want := range map[string]int{"/api/greet?name=Ann": 401, "/api/greet?name=Ann&apiKey=wrong": 401, "/api/greet?name=Ann&apiKey=sesame": 200, "/api/none": 401} {
		resp, err := http.Get(base + url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want || strings.Contains(string(body), "sesame") {
			t.Errorf("%s: %s, want %d: %s", url, resp.Status, want, body)
		}
	}
	req, err := http.NewRequest("POST", base+"/users", strings.NewReader(`{"name":"ann","email":"ann@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", "sesame")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("with the header: %s", resp.Status)
	}

	conn, err := net.Dial("tcp", s.TCP.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, step := range [][2]string{
		{"", "welcome"}, {"paramAdd name=Ann", `"status":"OK"`}, {"greet", "an apiKey is required"},
		{"paramAdd apiKey=sesame", `"status":"OK"`}, {"greet", "Hello, Ann!"},
	} {
		if step[0] != "" {
			if _, err := io.WriteString(conn, step[0]+"\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, step[1]) {
			t.Errorf("%q: got %q, %v", step[0], line, err)
		}
	}
}
