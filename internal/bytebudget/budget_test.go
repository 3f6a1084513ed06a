package bytebudget_test

import (
	"net/netip"
	"testing"

	"github.com/actionhero-go/actionhero/internal/bytebudget"
)

// One address may have as many bytes as are free for the others, so it leaves as many to the others as it has. Bytes that are
// given back are free again, and a client that holds nothing is not in the budget.
func TestOneAddressLeavesRoomForTheOthers(t *testing.T) {
	t.Parallel()
	b := bytebudget.New(1000)
	crowd, other, unknown := netip.MustParsePrefix("203.0.113.1/32"), netip.MustParsePrefix("203.0.113.2/32"), netip.Prefix{}
	for i, step := range []struct {
		client netip.Prefix
		n      int64
		ok     bool
	}{{crowd, 500, true}, {crowd, 1, false}, {other, 251, false}, {other, 250, true}, {unknown, 251, false}, {unknown, 250, true}, {other, 1, false}} {
		if got := b.Take(step.client, step.n); got != step.ok {
			t.Errorf("step %d: %v", i, got)
		}
	}
	b.Give(crowd, 500)
	b.Give(other, 250)
	b.Give(unknown, 250)
	if bytes, addresses := b.Used(); bytes != 0 || addresses != 0 {
		t.Errorf("%d bytes of %d addresses still count", bytes, addresses)
	}
}

// A share counts from Free bytes on, keeps what it has if it cannot grow, and gives back what it no longer holds.
func TestAShareCountsWhatIsNotFree(t *testing.T) {
	t.Parallel()
	b, client := bytebudget.New(1000), netip.Prefix{}
	var s bytebudget.Share
	s.Init(b, &client)
	for i, step := range []struct {
		n    int
		ok   bool
		used int64
	}{{bytebudget.Free, true, 0}, {bytebudget.Free + 1000, true, 1000}, {bytebudget.Free + 1001, false, 1000}, {bytebudget.Free + 10, true, 10}, {5, true, 0}, {bytebudget.Free + 7, true, 7}} {
		ok := s.Hold(step.n)
		if used, _ := b.Used(); ok != step.ok || used != step.used || s.Holds() != (used > 0) {
			t.Errorf("step %d: %v, %d bytes count", i, ok, used)
		}
	}
	s.Release()
	s.Release()
	if used, _ := b.Used(); used != 0 {
		t.Errorf("after the release %d bytes count", used)
	}
	var none bytebudget.Share
	if !none.Hold(1 << 30) {
		t.Error("a share without a budget is refused")
	}
}
