package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
)

// code returns the code of an error, or "" of nil.
func code(err error) string {
	if e := actionhero.AsError(err); e != nil {
		return e.Code.String()
	}
	return ""
}

func TestAPasswordIsCheckedAgainstItsHash(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	long := strings.Repeat("x", auth.MaxPassword)
	hash, err := auth.HashPassword(ctx, long)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || len(hash) != 97 || auth.NeedsRehash(hash) {
		t.Fatalf("the hash is %q, %v", hash, err)
	}
	if err := auth.CheckPassword(ctx, hash, long); err != nil {
		t.Error(err)
	}
	if again, err := auth.HashPassword(ctx, long); err != nil || again[:54] == hash[:54] {
		t.Errorf("two hashes of a password have the same salt: %v", err)
	}
	for _, password := range []string{"", long + "x"} {
		if _, err := auth.HashPassword(ctx, password); code(err) != "invalidInput" {
			t.Errorf("a password of %d bytes: %v", len(password), err)
		}
	}
}

// known is a hash of the reference implementation of Argon2: of "password", with the salt "somesalt". It needs little
// memory.
const known = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

// A wrong password and an account that does not exist are the same to a client.
func TestAWrongPasswordIsNoHint(t *testing.T) {
	t.Parallel()
	if err := auth.CheckPassword(t.Context(), known, "password"); err != nil {
		t.Error(err)
	}
	for name, wrong := range map[string][2]string{
		"another password": {known, "passwore"}, "no password": {known, ""}, "a long password": {known, strings.Repeat("x", auth.MaxPassword+1)},
		"a very long one": {known, strings.Repeat("x", 1<<20)}, "no account": {"", "password"},
	} {
		if err := auth.CheckPassword(t.Context(), wrong[0], wrong[1]); !errors.Is(err, auth.ErrWrongPassword) || code(err) != "unauthenticated" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !auth.NeedsRehash(known) || !auth.NeedsRehash("") || !auth.NeedsRehash("$2a$10$x") {
		t.Error("NeedsRehash is wrong")
	}
}

// A malformed hash, and one that would need too much memory or time, is an error without a code: no client reads it, and
// nothing is computed.
func TestAStoredHashOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	const salt, sum = "c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	for _, hash := range []string{
		"x", "$argon2i$v=19$m=256,t=2,p=1$" + salt + "$" + sum, "$argon2id$v=16$m=256,t=2,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + sum, "$argon2id$v=19$m=256,t=99,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=256,t=0,p=1$" + salt + "$" + sum, "$argon2id$v=19$m=256,t=2,p=300$" + salt + "$" + sum,
		"$argon2id$v=19$m=8,t=2,p=2$" + salt + "$" + sum, "$argon2id$v=19$t=2,m=256,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=+256,t=2,p=1$" + salt + "$" + sum, "$argon2id$v=19$m=256,t=2$" + salt + "$" + sum,
		"$argon2id$v=19$m=256,t=2,p=1$$" + sum, "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$", "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$AA",
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + sum + "$", "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + strings.Repeat("A", 1<<20),
	} {
		err := auth.CheckPassword(t.Context(), hash, "password")
		if err == nil || code(err) != "internal" || strings.Contains(err.Error(), "nf65") {
			t.Errorf("%.80s: %v", hash, err)
		}
	}
}

// A login waits for the memory of its hash, but not longer than its context.
func TestAHashWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	release := auth.HoldHashing(t)
	result := make(chan error)
	go func() {
		_, err := auth.HashPassword(ctx, "x")
		result <- err
	}()
	cancel()
	err := <-result
	release()
	if e := actionhero.AsError(err); e == nil || e.Code != actionhero.CodeUnavailable || e.RetryAfter != time.Second {
		t.Error(err)
	}
	if _, err := auth.HashPassword(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}
