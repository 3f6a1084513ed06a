package auth

import (
	"context"
	"testing"
)

// HoldHashing takes the memory for all hashes, until release.
func HoldHashing(t testing.TB) (release func()) {
	release, err := hashing.acquire(context.Background(), maxHashMemory)
	if err != nil {
		t.Fatal(err)
	}
	return release
}
