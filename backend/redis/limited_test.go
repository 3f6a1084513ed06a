package redis

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestALimitedContextEnds ends one by its time limit, by its parent, and by the deadline of its parent. Contexts made from it
// end, too, without goroutines of their own.
func TestALimitedContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the cause")
		parent, cancel := context.WithCancelCause(t.Context())
		early, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		for _, ends := range []struct {
			name   string
			parent context.Context
			end    func()
			after  time.Duration
			want   error
		}{
			{"parent", parent, func() { cancel(cause) }, 0, context.Canceled},
			{"deadline", early, func() {}, time.Second, context.DeadlineExceeded},
			{"limit", t.Context(), func() {}, 3 * time.Second, context.DeadlineExceeded},
		} {
			name := ends.name
			l := &limited{Context: ends.parent, limit: 3 * time.Second}
			if _, shown := l.Deadline(); shown || l.Err() != nil {
				t.Errorf("%s: at first Err = %v, with a deadline: %v", name, l.Err(), shown)
			}
			child, release := context.WithCancel(l)
			begun := time.Now()
			ends.end()
			<-l.Done()
			<-child.Done()
			if err := l.Err(); !errors.Is(err, ends.want) || !errors.Is(child.Err(), ends.want) || time.Since(begun) > ends.after {
				t.Errorf("%s: after %v the errors are %v and %v", name, time.Since(begun), err, child.Err())
			}
			if ends.parent == parent && context.Cause(child) != cause {
				t.Errorf("%s: the cause is %v", name, context.Cause(child))
			}
			release()
			l.release()
		}
		if l := (&limited{Context: parent, limit: time.Second}); l.Err() != context.Canceled {
			t.Errorf("without a call of Done, the error is %v", l.Err())
		}
	})
}
