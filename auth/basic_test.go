package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// byPassword knows ann, and counts the checks.
func byPassword(checks *atomic.Int64) auth.BasicConfig {
	return auth.BasicConfig{Realm: "tickets", Check: func(_ context.Context, user, password string) (actionhero.Identity, error) {
		checks.Add(1)
		switch {
		case user == "ann" && password == "pä:ss":
			return actionhero.Identity{ID: "ann"}, nil
		case user == "down":
			return actionhero.Identity{}, errors.New("the database is gone")
		case user == "unknown":
			return actionhero.Identity{}, nil
		}
		return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "wrong password")
	}}
}

func basicHeader(pair string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// A name with its password is known over HTTP, HTTPS and to open a WebSocket. All else asks for the password again.
func TestBasicAuthentication(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{TLS: true, Parts: closedApp(auth.Basic(byPassword(new(atomic.Int64))))})
	const challenge = `WWW-Authenticate: Basic realm="tickets", charset="UTF-8"`
	right := basicHeader("ann:pä:ss")
	for _, c := range []*testkit.HTTPClient{s.HTTP(t), s.HTTPS(t, false), s.HTTPS(t, true)} {
		c.Ask("GET", "/api/whoami", "", "Authorization: "+right).Want(t, 200, `"who":"ann"`)
		for header, text := range map[string]string{
			"Basic":                                "the name or the password is wrong",
			"Basic !!!":                            "the name or the password is wrong",
			basicHeader("ann"):                     "the name or the password is wrong",
			basicHeader("ann:no"):                  "wrong password",
			basicHeader("unknown:x"):               "the name or the password is wrong",
			basicHeader(strings.Repeat("a", 4096)): "the name or the password is wrong",
			"Bearer x":                             "you must log in to do this",
		} {
			got := c.Ask("GET", "/api/whoami", "", "Authorization: "+header)
			got.Want(t, 401, text)
			got.WantHeader(t, challenge)
		}
		c.Ask("GET", "/api/open", "", "Authorization: "+basicHeader("down:x")).Want(t, 500, "internal")
		c.Ask("GET", "/api/open", "").WantHeader(t, "WWW-Authenticate")
	}
	ws := &testkit.WSClient{Socket: openWS(t, s, "", http.Header{"Authorization": {right}})}
	if got := ws.Do("whoami", nil); !strings.Contains(got.JSON, `"who":"ann"`) {
		t.Error(got.JSON)
	}
}

// A password over a network without TLS is refused before it is checked, unless the app allows it.
func TestBasicNeedsTLS(t *testing.T) {
	t.Parallel()
	checks := new(atomic.Int64)
	cfg := byPassword(checks)
	s := testkit.Start(t, testkit.Options{TLS: true, Parts: closedApp(auth.Basic(cfg))})
	right := "Authorization: " + basicHeader("ann:pä:ss")
	s.HTTP(t).Ask("GET", "/api/open", "", right, "X-Forwarded-For: 203.0.113.7").Want(t, 403, "a password needs HTTPS")
	s.HTTP(t).Ask("GET", "/api/open", "", right, "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https").Want(t, 403, "a password needs HTTPS")
	if n := checks.Load(); n != 0 {
		t.Errorf("%d passwords were checked", n)
	}
	lines := 0
	for _, e := range s.Log.Entries() {
		if strings.HasPrefix(e.Message, "a password over plain HTTP was refused") {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("two refusals have %d lines in the log, want one a minute", lines)
	}
	s.HTTPS(t, false).Ask("GET", "/api/whoami", "", right, "X-Forwarded-For: 203.0.113.7").Want(t, 200, "ann")
	cfg.PlainHTTP = true
	plain := testkit.Start(t, testkit.Options{Parts: closedApp(auth.Basic(cfg))})
	plain.HTTP(t).Ask("GET", "/api/whoami", "", right, "X-Forwarded-For: 203.0.113.7").Want(t, 200, "ann")
}

// Guesses for one name are limited. A client that has just used the password is not locked out.
func TestBasicLimitsGuesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checks := new(atomic.Int64)
		api := actionherotest.New(t, closedApp(auth.Basic(byPassword(checks)))...)
		ask := func(pair string) error {
			_, err := actionherotest.Run(t, api, "whoami", nil, actionherotest.WithHeader("Authorization", basicHeader(pair)))
			return err
		}
		if err := ask("ann:pä:ss"); err != nil {
			t.Fatal(err)
		}
		var refused atomic.Int64
		for range 100 {
			if e := actionhero.AsError(ask("ann:guess")); e.Code == actionhero.CodeResourceExhausted && e.RetryAfter > 0 {
				refused.Add(1)
			}
		}
		if n, r := checks.Load(), refused.Load(); n != 20 || r != 81 {
			t.Errorf("%d checks, %d refusals", n, r)
		}
		if err := ask("ann:pä:ss"); err != nil {
			t.Errorf("the client in use is locked out: %v", err)
		}
		time.Sleep(10 * time.Minute)
		if err := ask("ann:pä:ss"); err != nil {
			t.Errorf("after ten minutes: %v", err)
		}
	})
}

func TestAWrongBasicConfigIsRefused(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]auth.BasicConfig{
		`BasicConfig.Realm is ""`:                   {Check: byPassword(nil).Check},
		`BasicConfig.Realm is "a\"b"`:               {Realm: `a"b`, Check: byPassword(nil).Check},
		`BasicConfig.Realm is "a\r\nX: y"`:          {Realm: "a\r\nX: y", Check: byPassword(nil).Check},
		"the function that finds the caller is nil": {Realm: "a"},
	} {
		_, err := actionhero.New(actionhero.Config{Backend: newLocal()}, closedApp(auth.Basic(cfg))...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}
