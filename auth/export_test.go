package auth

import (
	"context"
	"testing"

	"github.com/actionhero-go/actionhero"
)

// HoldHashing takes the memory for all hashes, until release.
func HoldHashing(t testing.TB) (release func()) {
	release, err := hashing.acquire(context.Background(), maxHashMemory)
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// CountOf returns the key of the count for an account at addresses that it does not know.
func (l *LoginLimiter) CountOf(t testing.TB, api *actionhero.API, account string) string {
	seed, err := l.seed(t.Context(), api)
	if err != nil {
		t.Fatal(err)
	}
	return bucket(seed, "account", account, "")
}
