package gcra

import (
	"strconv"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// BenchmarkTake counts events of 1,000 keys.
func BenchmarkTake(b *testing.B) {
	t, rate := NewTable(), backend.Rate{Every: time.Microsecond, Burst: 1_000_000_000}
	var names [1000]string
	for i := range names {
		names[i] = "id:user-" + strconv.Itoa(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 1) % len(names) {
		if t.Take(t.KeyOf(names[i]), rate).Wait > 0 {
			b.Fatal("limited")
		}
	}
}
