package cli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// remoteParts are an app whose callers a bearer token names.
func remoteParts() actionhero.Parts {
	keyed := actionhero.Action[actionhero.None, map[string]string]{Name: "keyed", IdempotencyKey: actionhero.KeyRequired, Run: func(context.Context, actionhero.None) (map[string]string, error) {
		return map[string]string{"ran": "once"}, nil
	}}
	version := func(n int) actionhero.Part {
		return actionhero.Action[actionhero.None, map[string]int]{Name: "ver", Version: n, Run: func(context.Context, actionhero.None) (map[string]int, error) {
			return map[string]int{"ran": n}, nil
		}}
	}
	return actionhero.Parts{
		order, keyed, version(1), version(2), actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			return actionhero.Identity{ID: c.Bearer()}, nil
		}),
		actionhero.Action[actionhero.None, map[string]string]{Name: "who", Access: actionhero.Authenticated, Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			return map[string]string{"error": "none", "who": actionhero.IdentityFrom(ctx).ID}, nil
		}},
		actionhero.Action[actionhero.None, *actionhero.Content]{Name: "bytes", Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
			return &actionhero.Content{Body: strings.NewReader(`{"raw": 1}`), Type: "application/json"}, nil
		}},
		actionhero.Action[actionhero.None, actionhero.None]{Name: "nothing", Run: func(context.Context, actionhero.None) (n actionhero.None, err error) { return n, nil }},
	}
}

// A remote action has the output and the exit code of the same action in this process, with each envelope.
func TestAnActionRunsInARemoteServer(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	letter, token := filepath.Join(folder, "letter.txt"), filepath.Join(folder, "token")
	testkit.WriteFile(t, letter, "dear Ann")
	testkit.WriteFile(t, token, "ben\n")
	for _, envelope := range []string{"classic", "plain"} {
		s := testkit.Start(t, testkit.Options{Parts: remoteParts(), Change: func(cfg *server.Config) { cfg.CommonWeb.Envelope = envelope }})
		url := "http://" + s.Web.Addr().String()
		for _, line := range [][]string{
			{"order", "--item", "pen", "--number=2", "--gift", "--tags=a", "--tags=b", "--counts=1", "--to", `{"ann":"x"}`},
			{"order", "--json", `{"item":"pen","number":3,"size":"small"}`, "--number=4"},
			{"order", "--item=pen", "--letter", letter, "--to", `{"ann":"x"}`, "--tags=a", "--tags=b"},
			{"order", "--item=pen", "--number=9"}, {"order"}, {"nothing"}, {"bytes"},
			{"ver"}, {"ver", "--apiVersion=1"}, {"v1/ver"},
			{"keyed", "--idempotency-key=a \"key\""},
		} {
			out, errs, code := run(t, inMemory, remoteParts(), append([]string{"action"}, line...)...)
			gotOut, gotErrs, gotCode := run(t, inMemory, remoteParts(), append(append([]string{"action"}, line...), "--server", url)...)
			gotOut = strings.Replace(gotOut, `"transport":"web"`, `"transport":"cli"`, 1)
			if gotOut != out || gotCode != code || code != 0 && gotErrs != errs[strings.Index(errs, "Error:"):] {
				t.Errorf("%s, %q: exit code %d, %s%s, want %d, %s%s", envelope, line, gotCode, gotOut, gotErrs, code, out, errs)
			}
		}
		for _, test := range []struct {
			line, out, errs string
			code            int
		}{
			{"who --server=" + url, "", "you must log in", 5},
			{"who --token=ann --server=" + url, `"who":"ann"`, "", 0},
			{"who --token=@" + token + " --server=" + url + "/", `"who":"ben"`, "", 0},
			{"who --token=ann --server=" + url + "/api/", `"who":"ann"`, "", 0},
			{"unknown --any=x --server=" + url, "", "unknown is not a known action.", 3},
			{"v3/ver --server=" + url, "", "ver has no version 3: choose one of 1, 2", 3},
			{"who --server=" + url + "/public", "", "this path answers to GET", 2},
			{"who --token=ann", "", "--token is for --server", 2},
			{"who --running --server=" + url, "", "use one of them", 2},
			{"who --server=example.org", "", "write a URL", 2},
			{"who --token=@none --server=" + url, "", "the token cannot be read", 1},
		} {
			out, errs, code := run(t, inMemory, remoteParts(), append([]string{"action"}, strings.Fields(test.line)...)...)
			if !strings.Contains(out, test.out) || !strings.Contains(errs, test.errs) || code != test.code {
				t.Errorf("%s, %s: exit code %d, %s%s", envelope, test.line, code, out, errs)
			}
		}
	}
}

// The token goes to no other server than the one of the flag.
func TestATokenDoesNotFollowARedirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a redirect was followed: %v", r.Header) }))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(first.Close)
	if _, errs, code := run(t, inMemory, remoteParts(), "action", "who", "--token=ann", "--server="+first.URL); code != 1 || !strings.Contains(errs, "307") && !strings.Contains(errs, other.URL) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
