package limit_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/limit"
	"github.com/actionhero-go/actionhero/server"
)

type none = actionhero.None

// action returns an action whose middleware is m.
func action(name string, m ...actionhero.Middleware) actionhero.Action[none, none] {
	return actionhero.Action[none, none]{
		Name: name, Middleware: m,
		Run: func(context.Context, none) (n none, err error) { return n, nil },
	}
}

// refused matches a refusal for half an hour, less the time of a slow test.
var refused = regexp.MustCompile(`"errorCode":"resourceExhausted","retryAfter":1[78]\d\d\D`)

// Each transport refuses a client beyond the limit with the code, and with the time after which it may come again.
func TestEveryTransportRefusesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	for name, connect := range testkit.Transports {
		if name == "worker" { // a task has no client
			continue
		}
		l := limit.New(limit.Limit{Name: "few", Events: 2, Per: time.Hour})
		s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{action("limited", l.By(limit.IP)), action("free")}})
		c := connect(t, s)
		for range 2 {
			if a := c.Do("limited", nil); a.Error != "" {
				t.Errorf("over %s: %s", name, a.JSON)
			}
		}
		if a := c.Do("limited", nil); !refused.MatchString(a.JSON) {
			t.Errorf("over %s, beyond the limit: %s", name, a.JSON)
		}
		if a := c.Do("free", nil); a.Error != "" {
			t.Errorf("over %s, an action without the limit: %s", name, a.JSON)
		}
	}
}

// Over HTTP, each answer has the rest of each limit, and a refusal has the status 429.
func TestAnswersHaveTheRestOfEachLimit(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Limit{Name: "few", Events: 2, Per: time.Hour, Burst: 2})
	s := testkit.Start(t, testkit.Options{
		Parts:  actionhero.Parts{action("limited", l.By(limit.IP))},
		Change: func(cfg *server.Config) { cfg.General.RequestLimit, cfg.General.RequestLimitWindow = 100, time.Hour },
	})
	c := s.HTTP(t)
	got := c.Ask("GET", "/api/limited", "")
	got.WantHeader(t, `RateLimit-Policy: "requests";q=100;w=3600 | "few";q=2;w=3600`, `RateLimit: "requests";r=99;t=36 | "few";r=1;t=1800`)
	got.Want(t, 200, `"RequestsRemaining":1`)
	c.Ask("GET", "/api/limited", "").Want(t, 200, `"RequestsRemaining":0`)
	got = c.Ask("GET", "/api/limited", "")
	got.Want(t, 429, `the limit few allows 2 in 1h0m0s`)
	state, again := strings.Join(got.Header.Values("RateLimit"), ", "), got.Header.Get("Retry-After")
	if !regexp.MustCompile(`^"requests";r=97;t=1?\d\d, "few";r=0;t=` + again + `$`).MatchString(state) {
		t.Errorf("RateLimit is %s, Retry-After is %s", state, again)
	}
}

// run calls an action from an address.
func run(t *testing.T, api *actionhero.API, name, ip string) error {
	t.Helper()
	_, err := actionherotest.Run(t, api, name, nil, actionherotest.FromIP(ip))
	return err
}

// Actions with the middleware of one Limiter share its counts, and those of different Limiters do not.
func TestActionsShareALimitOnlyIfTheyShareTheLimiter(t *testing.T) {
	t.Parallel()
	one, other := limit.New(limit.Limit{Name: "l", Events: 1, Per: time.Hour}), limit.New(limit.Limit{Name: "l", Events: 1, Per: time.Hour})
	api := actionherotest.New(t, action("a", one.By(limit.IP)), action("b", one.By(limit.IP)), action("c", other.By(limit.IP)))
	if err := run(t, api, "a", "192.0.2.1"); err != nil {
		t.Error(err)
	}
	if run(t, api, "b", "192.0.2.1") == nil {
		t.Error("an action of the same Limiter has a count of its own")
	}
	for _, free := range []error{run(t, api, "c", "192.0.2.1"), run(t, api, "a", "192.0.2.2"), run(t, api, "a", "")} {
		if free != nil {
			t.Error(free)
		}
	}
}

// An IPv6 client has a whole /64 network, and an IPv4 address may be written as IPv6.
func TestAnAddressIsAClient(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.1": "ip:192.0.2.1", "::ffff:192.0.2.1": "ip:192.0.2.1", "2001:db8::1": "ip:2001:db8::/64",
		"2001:db8::ffff:0:0:1": "ip:2001:db8::/64", "2001:db8:0:1::1": "ip:2001:db8:0:1::/64", "fe80::1%eth0": "ip:fe80::/64", "": "", "@": "",
	} {
		if got := limit.Address(ip); got != want {
			t.Errorf("Address(%q) = %q, want %q", ip, got, want)
		}
	}
}

// A call that an action makes or forwards counts once: for the request of the client.
func TestARequestOfAClientCountsOnce(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Limit{Name: "l", Events: 1, Per: time.Hour})
	inner := action("inner")
	outer := action("outer")
	outer.Run = func(ctx context.Context, in none) (none, error) {
		for range 3 {
			if _, err := inner.Call(ctx, actionhero.RequestFrom(ctx).API, in); err != nil {
				return in, err
			}
		}
		return in, nil
	}
	api := actionherotest.New(t, inner, outer)
	api.Use(l.By(limit.IP))
	if err := run(t, api, "outer", "192.0.2.1"); err != nil {
		t.Error(err)
	}
	if run(t, api, "outer", "192.0.2.1") == nil {
		t.Error("the limit has no effect")
	}
}

// Users behind one address have limits of their own, a user with several addresses has one, and anonymous clients share the
// limit of their address.
func TestAnIdentityIsAClient(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Limit{Name: "l", Events: 1, Per: time.Hour})
	api := actionherotest.New(t, action("a", l.By(limit.Identity)))
	for i, tt := range []struct {
		user, ip string
		allowed  bool
	}{{"ann", "192.0.2.1", true}, {"bob", "192.0.2.1", true}, {"ann", "192.0.2.2", false}, {"", "192.0.2.1", true}, {"", "192.0.2.1", false}, {"192.0.2.9", "", true}, {"", "192.0.2.9", true}} {
		_, err := actionherotest.Run(t, api, "a", nil, actionherotest.FromIP(tt.ip), actionherotest.As(actionhero.Identity{ID: tt.user}))
		if (err == nil) != tt.allowed {
			t.Errorf("request %d of %q from %s: %v", i, tt.user, tt.ip, err)
		}
	}
}

// Allow counts anything: here attempts for an account, from any address.
func TestAllowCountsEachKeyAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(limit.Limit{Name: "logins", Events: 6, Per: time.Minute, Burst: 2})
		for range 2 {
			if err := l.Allow(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
		}
		beyond := actionhero.AsError(l.Allow(t.Context(), "ann"))
		if beyond == nil || beyond.Code != actionhero.CodeResourceExhausted || beyond.RetryAfter != 10*time.Second {
			t.Fatalf("%+v, want a refusal for 10s", beyond)
		}
		if err := l.Allow(t.Context(), strings.Repeat("bob", 10_000)); err != nil {
			t.Error("another key pays for it")
		}
		time.Sleep(beyond.RetryAfter)
		if err := l.Allow(t.Context(), "ann"); err != nil {
			t.Error("after RetryAfter:", err)
		}
		for range 10 {
			if err := l.Allow(t.Context(), ""); err != nil {
				t.Fatal("the key \"\" is limited")
			}
		}
	})
}

func TestAWrongLimitIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]limit.Limit{
		"no usable name":    {Events: 1, Per: time.Second},
		"0 Events":          {Name: "l", Per: time.Second},
		"the Burst -1":      {Name: "l", Events: 1, Per: time.Second, Burst: -1},
		"1 events, and one": {Name: "l", Events: 1},
		"one more each 1ns": {Name: "l", Events: 1000, Per: time.Microsecond},
		"at most 366 days":  {Name: "l", Events: 1, Per: 367 * 24 * time.Hour},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, want) || !strings.HasPrefix(text, "the limit ") {
					t.Errorf("%+v: %q, want a text with %q", l, text, want)
				}
			}()
			limit.New(l)
		}()
	}
}
