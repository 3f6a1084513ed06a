// Package rules has the rules that all backends apply in the same way: which jobs, names and changes of rooms are refused,
// which texts are shortened, and which callbacks are called when a run should stop.
package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/backend"
)

// NoTimeout is the stored Timeout of a job whose runs have no time limit.
const NoTimeout = -time.Millisecond

// maxRunAt is the latest RunAt that a job can have. Text formats for times require a year of four digits.
var maxRunAt = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Complete sets the defaults of the job j. It returns an error if a field of j is out of range.
func Complete(j *backend.NewJob) error {
	j.Queue = cmp.Or(j.Queue, backend.DefaultQueue)
	j.MaxCrashes = cmp.Or(j.MaxCrashes, backend.DefaultMaxCrashes)
	if j.Timeout < 0 {
		j.Timeout = NoTimeout
	}
	if err := cmp.Or(CheckName("task", j.Task), CheckName("queue", j.Queue), CheckName("unique key", j.Unique)); err != nil {
		return err
	}
	switch {
	case j.Task == "":
		return invalid("a job has no task: set NewJob.Task")
	case len(j.Params) > backend.MaxParamsBytes:
		return fmt.Errorf("the parameters of a job of the task %q have %d bytes, %d are allowed: %w", j.Task, len(j.Params), backend.MaxParamsBytes, backend.ErrTooLarge)
	case j.MaxAttempts < 0 || j.MaxAttempts > math.MaxInt32:
		return invalid("MaxAttempts of a job of the task %q is %d: it must be from 0 to %d", j.Task, j.MaxAttempts, math.MaxInt32)
	case j.MaxCrashes < 0 || j.MaxCrashes > math.MaxInt16:
		return invalid("MaxCrashes of a job of the task %q is %d: it must be from 1 to %d, or 0 for the default of %d", j.Task, j.MaxCrashes, math.MaxInt16, backend.DefaultMaxCrashes)
	case j.Delay < 0 || j.UniqueFor < 0:
		return invalid("a job of the task %q has a Delay of %v and a UniqueFor of %v: neither may be negative", j.Task, j.Delay, j.UniqueFor)
	case j.UniqueFor > 0 && j.Unique == "":
		return invalid("a job of the task %q has a UniqueFor and no Unique: set the key in Unique", j.Task)
	case j.RunAt.After(maxRunAt):
		return invalid("the RunAt of a job of the task %q is %v: it must not be after %v", j.Task, j.RunAt.Format(time.RFC3339), maxRunAt.Format(time.RFC3339))
	}
	return nil
}

// Size returns the number of bytes of a job that count towards [backend.MaxEnqueueBytes].
func Size(j *backend.NewJob) int {
	return len(j.Params) + len(j.Task) + len(j.Queue) + len(j.Unique)
}

// CheckSize returns an error if n jobs of one call have too many bytes together.
func CheckSize(n, bytes int) error {
	if bytes <= backend.MaxEnqueueBytes {
		return nil
	}
	return fmt.Errorf("%d jobs at once have more than %d bytes: enqueue them in several calls: %w", n, backend.MaxEnqueueBytes, backend.ErrTooLarge)
}

// invalid returns an error that wraps backend.ErrInvalid, with the given text.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), backend.ErrInvalid)
}

// CheckName returns an error if name has more than [backend.MaxKeyBytes] bytes. The error text calls the name by the
// word in the parameter what, for example "task".
func CheckName(what, name string) error {
	if len(name) <= backend.MaxKeyBytes {
		return nil
	}
	return fmt.Errorf("a %s of %d bytes, %.32q…, is refused: %w", what, len(name), name, backend.ErrKeyTooLong)
}

// Truncate returns an error text, shortened to at most MaxErrorBytes bytes. It does not cut a character in two.
func Truncate(text string) string {
	if len(text) <= backend.MaxErrorBytes {
		return text
	}
	end := backend.MaxErrorBytes
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// StopListeners has the callbacks of [backend.Queue.OnStop].
type StopListeners struct {
	mu   sync.Mutex
	list []*func(backend.Run, backend.StopReason)
}

// Add adds a callback until stop is called.
func (l *StopListeners) Add(f func(run backend.Run, why backend.StopReason)) (stop func()) {
	added := &f
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, added)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = slices.DeleteFunc(l.list, func(f *func(backend.Run, backend.StopReason)) bool { return f == added })
	}
}

// Call calls all callbacks.
func (l *StopListeners) Call(run backend.Run, why backend.StopReason) {
	l.mu.Lock()
	list := slices.Clone(l.list)
	l.mu.Unlock()
	for _, f := range list {
		(*f)(run, why)
	}
}
