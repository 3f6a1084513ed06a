package auth_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
)

type tryInput struct {
	Account string `json:"account" default:"ann"`
	Right   bool   `json:"right"`
}

// tries is an app with a login that is limited: the client says whether its password is right.
func tries(l *auth.LoginLimiter) actionhero.Part {
	return actionhero.Action[tryInput, none]{Name: "try", Access: actionhero.Public, Run: func(ctx context.Context, in tryInput) (n none, err error) {
		if err := l.Allow(ctx, in.Account); err != nil {
			return n, err
		}
		if !in.Right {
			return n, auth.ErrWrongPassword
		}
		return n, l.Succeeded(ctx, in.Account)
	}}
}

// try tries to log in, and returns the code of the answer, or the time to wait if the attempt was one too many.
func try(t *testing.T, api *actionhero.API, account, ip string, right bool) (string, time.Duration) {
	t.Helper()
	_, err := actionherotest.Run(t, api, "try", tryInput{account, right}, actionherotest.FromIP(ip))
	if e := actionhero.AsError(err); e != nil {
		return e.Code.String(), e.RetryAfter
	}
	return "", 0
}

// An attacker who waits exactly as long as the answers say gets few attempts: 10 in each quarter of an hour, and 50 a day.
func TestAGuesserGetsFewAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t, tries(auth.NewLoginLimiter(auth.LoginLimit{})))
		var delays []time.Duration
		start, quarter, day1, week := time.Now(), 0, 0, 0
		for time.Since(start) < 7*24*time.Hour {
			ip := "192.0.2." + strconv.Itoa(week%250) // from another address each time
			got, wait := try(t, api, "ann", ip, false)
			switch {
			case got == "unauthenticated":
				if week++; time.Since(start) < 24*time.Hour {
					day1++
				}
				if time.Since(start) < 15*time.Minute {
					quarter++
				}
			case got == "resourceExhausted" && wait > 0:
				delays = append(delays, wait)
				time.Sleep(wait)
			default:
				t.Fatal(got, wait)
			}
		}
		if quarter != 10 || day1 != 50 || week != 7*50 {
			t.Errorf("%d attempts in a quarter of an hour, %d in a day, %d in a week", quarter, day1, week)
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60} {
			if delays[i] != want*time.Second {
				t.Errorf("delay %d is %v, want %v", i, delays[i], want*time.Second)
			}
		}
	})
}

// An attacker with one address gets 100 attempts for all accounts together, and its accounts take no more memory than the
// limit has counts.
func TestAnAddressGetsFewAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t, tries(auth.NewLoginLimiter(auth.LoginLimit{})))
		counts := map[string]int{}
		for i := range 1000 {
			// Of an IPv6 address, the network counts: a client has all addresses of it.
			got, _ := try(t, api, "account "+strconv.Itoa(i), "2001:db8::"+strconv.Itoa(i%100+1), false)
			counts[got]++
		}
		if counts["unauthenticated"] > 100 || counts["unauthenticated"] < 95 { // few accounts may share a count
			t.Errorf("the answers are %v", counts)
		}
		if got, _ := try(t, api, "ann", "2001:db8:0:1::1", false); got != "unauthenticated" {
			t.Errorf("another network: %s", got)
		}
		if n, err := api.Cache.Size(t.Context()); err != nil || n > 300 {
			t.Errorf("the store has %d entries, %v", n, err)
		}
	})
}

// An attacker cannot lock a user out of an address that the user has used. A right password ends the counts.
func TestAnAttackerLocksNoUserOutOfAKnownAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t, tries(auth.NewLoginLimiter(auth.LoginLimit{})))
		const home, elsewhere, evil = "198.51.100.1", "203.0.113.1", "192.0.2.66"
		if got, _ := try(t, api, "ann", home, true); got != "" {
			t.Fatal(got)
		}
		attack := func() (tried int) {
			for {
				switch got, wait := try(t, api, "ann", evil, false); {
				case got == "unauthenticated":
					tried++
				case wait > time.Minute:
					return tried
				default:
					time.Sleep(wait)
				}
			}
		}
		if n := attack(); n != 10 {
			t.Errorf("the attacker has tried %d times", n)
		}
		if got, _ := try(t, api, "ann", home, false); got != "unauthenticated" {
			t.Errorf("from a known address: %s", got)
		}
		if got, _ := try(t, api, "ann", home, true); got != "" {
			t.Errorf("from a known address: %s", got)
		}
		if got, _ := try(t, api, "ann", elsewhere, true); got != "resourceExhausted" {
			t.Errorf("from an unknown address: %s", got)
		}
		if got, _ := try(t, api, "bob", elsewhere, true); got != "" {
			t.Errorf("another account: %s", got)
		}
		time.Sleep(15 * time.Minute)
		if got, _ := try(t, api, "ann", elsewhere, true); got != "" {
			t.Errorf("after the window, from an unknown address: %s", got)
		}
		if n := attack(); n != 10 {
			t.Errorf("after a success elsewhere, the attacker has tried %d times", n)
		}
		time.Sleep(31 * 24 * time.Hour)
		attack()
		if got, _ := try(t, api, "ann", home, true); got != "resourceExhausted" {
			t.Errorf("from an address that was not used for a month: %s", got)
		}
	})
}

// An attacker whose own account shares its count with another one gets no more attempts by logging in to its own, from
// however many addresses.
func TestALoginToAnotherAccountEndsNoCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := auth.NewLoginLimiter(auth.LoginLimit{})
		api := actionherotest.New(t, tries(l))
		own, count := "", l.CountOf(t, api, "ann")
		for i := 0; own == ""; i++ {
			if name := "mallory " + strconv.Itoa(i); l.CountOf(t, api, name) == count {
				own = name
			}
		}
		guesses := 0
		for i := range 100 {
			ip := "2001:db8:0:" + strconv.FormatInt(int64(i), 16) + "::1"
			got, wait := try(t, api, "ann", ip, false)
			if got == "unauthenticated" {
				guesses++
			}
			time.Sleep(min(wait, 2*time.Second))
			try(t, api, own, ip, true)
		}
		if guesses > 10 {
			t.Errorf("%d guesses", guesses)
		}
	})
}

// The nodes of a cluster share the counts, and every transport says when to come again.
func TestTheNodesShareTheCountsOfLogins(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	app := newSite(auth.SessionConfig{})
	app.parts = append(app.parts, tries(auth.NewLoginLimiter(auth.LoginLimit{PerAccount: 2})))
	a, b := app.startNode(t, "a", net.Node()), app.startNode(t, "b", net.Node())
	for _, s := range []*testkit.Server{a, b} {
		if got := s.TCP(t).Do("try", nil); got.Error != "the name or the password is wrong" {
			t.Error(got.JSON)
		}
	}
	for _, transport := range []string{"http", "tcp", "websocket", "socketio"} {
		if got := testkit.Transports[transport](t, b).Do("try", nil); !strings.Contains(got.JSON, `"errorCode":"resourceExhausted","retryAfter":`) {
			t.Errorf("over %s: %s", transport, got.JSON)
		}
	}
}

func TestAWrongLoginLimitIsRefused(t *testing.T) {
	t.Parallel()
	for _, wrong := range []auth.LoginLimit{{Name: "a b"}, {PerAccount: -1}, {PerAccount: 60}, {PerAddress: -1}, {Window: time.Millisecond}, {Window: 25 * time.Hour}} {
		if text := panicOf(func() { auth.NewLoginLimiter(wrong) }); !strings.HasPrefix(text, "LoginLimit") {
			t.Errorf("%+v: %q", wrong, text)
		}
	}
	for _, wrong := range []auth.SessionConfig{{Cookie: "a b"}, {Idle: time.Second}, {Idle: 2 * time.Hour, Absolute: time.Hour}, {Absolute: time.Second}, {Absolute: 500 * 24 * time.Hour}, {PerUser: -1}, {PerUser: 1001}} {
		if text := panicOf(func() { auth.NewSessions(wrong) }); !strings.HasPrefix(text, "SessionConfig.") {
			t.Errorf("%+v: %q", wrong, text)
		}
	}
}

func panicOf(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}
