package redis

import (
	"fmt"
	"testing"
)

func TestTagsAreSpreadEvenlyOverTheSlots(t *testing.T) {
	t.Parallel()
	for i, tag := range tags() {
		if len(tag) != tagBytes || slot(tag)/64 != i {
			t.Errorf("the tag of partition %d is %q, in slot %d", i, tag, slot(tag))
		}
	}
}

// TestPlacesOfNamesNeverChange has values of an earlier version: nodes of all versions must find the same keys.
func TestPlacesOfNamesNeverChange(t *testing.T) {
	t.Parallel()
	c := newCore(Config{Prefix: "app"})
	for name, want := range map[string]string{
		"": "app:e:{022}", "a": "app:e:{0oq}a", "user:17": "app:e:{0dv}user:17", "\x00\xff{}": "app:e:{02i}\x00\xff{}",
	} {
		if got := c.key(entryKind, partition(name), name); got != want {
			t.Errorf("the key of %q is %q, want %q", name, got, want)
		}
	}
}

func TestPartitionsGetEqualShares(t *testing.T) {
	t.Parallel()
	const names = 256_000
	var shares [partitions]int
	for i := range names {
		shares[partition(fmt.Sprint("session:", i))]++
	}
	for p, n := range shares {
		if n < 800 || n > 1200 {
			t.Errorf("partition %d has %d of %d names, want about 1000", p, n, names)
		}
	}
}

func TestNamesOfKeysOfOtherKindsAndAppsAreNotRead(t *testing.T) {
	t.Parallel()
	c := newCore(Config{Prefix: "app"})
	for key, want := range map[string]string{
		"app:e:{abc}": "", "app:e:{abc}x:{y}": "x:{y}", "app:k:{abc}x": "-", "app.b:e:{abc}x": "-", "ap:e:{abc}x": "-", "app:e:{abcd}x": "-", "app:e:{ab}": "-", "": "-",
	} {
		if name, ok := c.nameOf(entryKind, key); ok != (want != "-") || ok && name != want {
			t.Errorf("nameOf(%q) = %q, %t", key, name, ok)
		}
	}
}
