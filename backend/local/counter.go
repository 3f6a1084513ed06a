package local

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

func (s *store) Increment(_ context.Context, key string, by int64, ttl time.Duration) (sum int64, err error) {
	sh, hash, err := s.locate(&s.entries, key)
	if err != nil {
		return 0, err
	}
	s.loads.detach(key)
	now := s.clock.nowSynced()
	var refused error
	_, err = s.update(sh, hash, key, now, "an entry", func(old *item) *item {
		created, expires := now, s.clock.deadline(now, max(ttl, 0))
		sum, refused = by, nil
		if old != nil {
			created, expires = old.created, old.expires
			sum, refused = add(key, old.value(), by)
		}
		if refused != nil || old == nil && ttl < 0 {
			return nil
		}
		var digits [20]byte
		return newItem(hash, key, strconv.AppendInt(digits[:0], sum, 10), created, expires)
	})
	if refused != nil {
		err = refused
	}
	if err != nil {
		return 0, err
	}
	return sum, nil
}

// add adds a number to the decimal number in value and returns the sum. It fails if value is not a decimal number, or
// if the sum is outside the range of an int64. The error texts name the key.
func add(key string, value []byte, by int64) (int64, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	var digits [20]byte
	if err != nil || string(strconv.AppendInt(digits[:0], n, 10)) != string(value) {
		return 0, fmt.Errorf("under %.32q is %.32q: %w", key, value, backend.ErrNotCounter)
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return 0, fmt.Errorf("%d cannot be added to the %d under %.32q: %w", by, n, key, backend.ErrOverflow)
	}
	return n + by, nil
}
