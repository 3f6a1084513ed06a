package proc

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	got, err := ParseStat("42 (a (odd) name) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 5 0 1000 0 0")
	if err != nil || got != 2*time.Second {
		t.Errorf("got %v, %v; want 2s", got, err)
	}
	for _, bad := range []string{"", "42 (x) S", "42 (x) S 1 2 3 4 5 6 7 8 9 10 x y 0"} {
		if _, err := ParseStat(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestParseFamily(t *testing.T) {
	t.Parallel()
	used, parent, ended, err := parseFamily("42 (x) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 20 30 20 0 5 0 1000 0 0")
	if used != 2*time.Second || parent != 7 || ended != time.Second/2 || err != nil {
		t.Errorf("got %v, %d, %v, %v", used, parent, ended, err)
	}
	if _, _, _, err := parseFamily("42 (x) S 7 2 3 4 5 6 7 8 9 10 1 1"); err == nil {
		t.Error("a line that is too short is accepted")
	}
}
