package auth

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/limit"
)

// LoginLimit has the choices of [NewLoginLimiter]. The zero value is fit for production.
type LoginLimit struct {
	// Name separates the counts of two limiters of one app: 1 to 32 letters and digits. Default: "logins".
	Name string
	// PerAccount is the number of attempts for one account in each Window. Default: 10.
	PerAccount int
	// PerAccountDay is the number of attempts for one account in 24 hours. Default: 50.
	PerAccountDay int
	// PerAddress is the number of attempts with wrong passwords from one address, for all accounts together, in each Window.
	// Of an IPv6 address, its /64 network counts. Default: 100.
	PerAddress int
	// Window is from 1 second to 24 hours. Default: 15 minutes.
	Window time.Duration
}

// LoginLimiter bounds the attempts to guess a password. Call [LoginLimiter.Allow] before each check of a password, and
// [LoginLimiter.Succeeded] after a right one. It counts in the store of the backend, so in the whole cluster.
//
// The attempts for one account from addresses that have not logged in to it in the last 30 days share one count. An address
// that has done so has a count of its own. So an attacker cannot lock a user out of an address that the user knows, but
// may do so for an address that is new to the account, for PerAccount attempts at a time.
//
// After three attempts, each further one has to wait: 1 second, then 2, 4 and so on, up to 1 minute.
//
// The memory of all counts is bounded to about 30 MB, however many accounts an attacker invents. Of very many accounts,
// two may share a count; which ones do is a secret of the store.
type LoginLimiter struct {
	cfg   LoginLimit
	known actionhero.CacheOf[bool]
	waits actionhero.CacheOf[bool]
	seeds actionhero.CacheOf[string]
}

// NewLoginLimiter returns a LoginLimiter. If a field of the configuration is out of range, NewLoginLimiter panics with a
// sentence that names it.
func NewLoginLimiter(cfg LoginLimit) *LoginLimiter {
	cfg.Name = cmp.Or(cfg.Name, "logins")
	cfg.PerAccount, cfg.PerAccountDay, cfg.PerAddress = cmp.Or(cfg.PerAccount, 10), cmp.Or(cfg.PerAccountDay, 50), cmp.Or(cfg.PerAddress, 100)
	cfg.Window = cmp.Or(cfg.Window, 15*time.Minute)
	switch {
	case !cookieName.MatchString(cfg.Name):
		panic(fmt.Sprintf("LoginLimit.Name is %q: use 1 to 32 letters and digits", cfg.Name))
	case cfg.PerAccount < 1 || cfg.PerAccountDay < cfg.PerAccount || cfg.PerAddress < 1:
		panic(fmt.Sprintf("LoginLimit has %d PerAccount, %d PerAccountDay and %d PerAddress: use numbers from 1, and a PerAccountDay from PerAccount", cfg.PerAccount, cfg.PerAccountDay, cfg.PerAddress))
	case cfg.Window < time.Second || cfg.Window > day:
		panic(fmt.Sprintf("LoginLimit.Window is %v: use from 1s to 24h", cfg.Window))
	}
	return &LoginLimiter{
		cfg:   cfg,
		seeds: actionhero.CacheOf[string]{Prefix: "_login:" + cfg.Name + ":"},
		known: actionhero.CacheOf[bool]{Prefix: "_login:" + cfg.Name + ":known:"},
		waits: actionhero.CacheOf[bool]{Prefix: "_login:" + cfg.Name + ":wait:"},
	}
}

const (
	day       = 24 * time.Hour
	knownFor  = 30 * day
	freeTries = 3           // attempts without a delay
	maxDelay  = time.Minute // between two attempts
	// counts is the number of counts of one kind. Each takes about 150 bytes in Redis.
	counts = 1 << 15
)

// Allow counts an attempt of the client whose request is handled with ctx to log in to an account. If it is one too many,
// the error is CodeResourceExhausted with RetryAfter. account is what identifies it, in one spelling: the id or the name
// in lower case, also of an account that does not exist.
func (l *LoginLimiter) Allow(ctx context.Context, account string) error {
	req := actionhero.RequestFrom(ctx)
	if req == nil {
		return errNoClient
	}
	a, err := l.attempt(ctx, req, account)
	if err != nil {
		return err
	}
	if a.address != "" {
		if err := l.count(ctx, req.API, a.address, l.cfg.PerAddress, l.cfg.Window); err != nil {
			return err
		}
	}
	if wait, err := l.waiting(ctx, req.API, a.account); err != nil || wait > 0 {
		return cmp.Or(err, tooMany(wait))
	}
	if err := l.count(ctx, req.API, a.account, l.cfg.PerAccount, l.cfg.Window); err != nil {
		return err
	}
	if err := l.count(ctx, req.API, a.account+":day", l.cfg.PerAccountDay, day); err != nil {
		return err
	}
	return l.delay(ctx, req.API, a.account)
}

// Succeeded counts a right password: it ends the counts of the address if the account knows it, or else takes back the
// attempt. The account then knows the address for 30 days, so its next attempts have counts of their own.
func (l *LoginLimiter) Succeeded(ctx context.Context, account string) error {
	req := actionhero.RequestFrom(ctx)
	if req == nil {
		return errNoClient
	}
	a, err := l.attempt(ctx, req, account)
	if err != nil {
		return err
	}
	if err := l.uncount(ctx, req.API, a); err != nil || a.pair == "" {
		return err
	}
	if _, err := req.API.Cache.Increment(ctx, l.keyOf(a.address), -1, l.cfg.Window); err != nil { // many users may share it
		return err
	}
	return l.known.Set(ctx, req.API, a.pair, true, knownFor)
}

// uncount ends the counts of an address that the account knows. Otherwise it takes back the attempt that was right, and no
// other: an attacker whose own account shares the count would begin anew with each login to it.
func (l *LoginLimiter) uncount(ctx context.Context, api *actionhero.API, a attempt) error {
	for key, window := range map[string]time.Duration{a.account: l.cfg.Window, a.account + ":day": day} {
		var err error
		if a.known {
			_, err = api.Cache.Delete(ctx, l.keyOf(key))
		} else {
			_, err = api.Cache.Increment(ctx, l.keyOf(key), -1, window)
		}
		if err != nil {
			return err
		}
	}
	if !a.known {
		return nil
	}
	_, err := l.waits.Delete(ctx, api, a.account)
	return err
}

// attempt has the keys of the counts of an attempt.
type attempt struct {
	address string // "" if it has none
	account string // for this address, or for all addresses that the account does not know
	pair    string // of the account and the address; "" if it has none
	known   bool   // the account knows the address
}

func (l *LoginLimiter) attempt(ctx context.Context, req *actionhero.Request, account string) (a attempt, err error) {
	seed, err := l.seed(ctx, req.API)
	if err != nil {
		return a, err
	}
	from := limit.Address(req.RemoteIP)
	a.account = bucket(seed, "account", account, "")
	if from == "" {
		return a, nil
	}
	a.address, a.pair = bucket(seed, "address", from, ""), hex.EncodeToString(sum(seed, "pair", account, from))
	switch known, err := l.known.Get(ctx, req.API, a.pair); {
	case err == nil && known:
		a.account, a.known = bucket(seed, "known", account, from), true
	case err != nil && !isMissing(err):
		return a, err
	}
	return a, nil
}

// seed returns the secret of the store by which keys find their counts: with it, an attacker cannot choose an account that
// shares a count with another one.
func (l *LoginLimiter) seed(ctx context.Context, api *actionhero.API) ([]byte, error) {
	text, err := l.seeds.Get(ctx, api, "seed")
	if isMissing(err) {
		fresh := make([]byte, sha256.Size)
		_, _ = rand.Read(fresh) // never fails (crypto/rand)
		if _, err := l.seeds.Add(ctx, api, "seed", hex.EncodeToString(fresh), 0); err != nil {
			return nil, err
		}
		text, err = l.seeds.Get(ctx, api, "seed")
	}
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}

func sum(seed []byte, kind, a, b string) []byte {
	h := hmac.New(sha256.New, seed)
	fmt.Fprintf(h, "%s %d %s %s", kind, len(a), a, b)
	return h.Sum(nil)
}

// bucket returns one of a bounded number of keys.
func bucket(seed []byte, kind, a, b string) string {
	return fmt.Sprintf("%s:%d", kind, binary.BigEndian.Uint64(sum(seed, kind, a, b))%counts)
}

func (l *LoginLimiter) keyOf(count string) string { return "_login:" + l.cfg.Name + ":count:" + count }

// count adds one to a count, or returns an error if the count is above the limit.
func (l *LoginLimiter) count(ctx context.Context, api *actionhero.API, count string, most int, window time.Duration) error {
	n, err := api.Cache.Increment(ctx, l.keyOf(count), 1, window)
	if err != nil || n <= int64(most) {
		return err
	}
	e, err := api.Cache.Get(ctx, l.keyOf(count))
	if isMissing(err) {
		return tooMany(time.Second)
	}
	if err != nil {
		return err
	}
	return tooMany(e.ExpiresAt.Sub(e.ReadAt))
}

// waiting returns the time until a further attempt for the account is allowed.
func (l *LoginLimiter) waiting(ctx context.Context, api *actionhero.API, account string) (time.Duration, error) {
	e, err := api.Cache.Get(ctx, l.waits.Prefix+account)
	if isMissing(err) {
		return 0, nil
	}
	return e.ExpiresAt.Sub(e.ReadAt), err
}

// delay makes the next attempt for the account wait, after the first ones of the window.
func (l *LoginLimiter) delay(ctx context.Context, api *actionhero.API, account string) error {
	e, err := api.Cache.Get(ctx, l.keyOf(account))
	var n int
	if err == nil {
		err = e.Decode(&n)
	}
	if isMissing(err) || err == nil && n < freeTries {
		return nil
	}
	if err != nil {
		return err
	}
	wait := maxDelay
	if doubled := n - freeTries; doubled < 6 {
		wait = time.Second << doubled
	}
	_, err = l.waits.Add(ctx, api, account, true, wait)
	return err
}

// tooMany returns the error of an attempt that may be repeated after the time wait, or nil if it may be at once.
func tooMany(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	return &actionhero.Error{Code: actionhero.CodeResourceExhausted, Message: "too many attempts to log in: try again later", RetryAfter: wait}
}
