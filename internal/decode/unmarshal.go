package decode

import (
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// Unmarshal decodes data, one JSON value, as a T. It follows the rules of [jsonx.Unmarshal] with one difference: a decoded
// text that is at least a quarter of data may share the memory of data. The caller must not change data.
func Unmarshal[T any](data []byte) (T, error) {
	if p := planOf[T](); p.read != nil {
		s := p.scratch.Get().(*scratch[T])
		s.data = data
		ok := p.read(&s.reader, layout.To(&s.value)) && s.i == len(data)
		value := s.value
		*s = scratch[T]{}
		p.scratch.Put(s)
		if ok {
			return value, nil
		}
	}
	return unmarshal[T](data)
}

// unmarshal is a function of its own because its variable is on the heap.
func unmarshal[T any](data []byte) (T, error) {
	var value T
	err := jsonx.Unmarshal(data, &value)
	return value, err
}

// scratch has the variables of a call of Unmarshal that the functions of a plan point to.
type scratch[T any] struct {
	reader
	value T
}

// reader is the state of a call of Unmarshal.
type reader struct {
	data  []byte
	i     int    // the index of the next byte to read
	texts []byte // room for the small texts of the value, which need one allocation together
}

// readFunc decodes the JSON value that begins at r.data[r.i] into the zero variable at p, and moves r.i after the value. It
// returns false if the JSON has another form than the expected one; the variable and r.i then have no meaning.
type readFunc func(r *reader, p layout.Pointer) bool

// plan is what Unmarshal knows about a type.
type plan struct {
	t       layout.TypeID // of a pointer to the type
	read    readFunc      // nil: jsonx.Unmarshal reads the type
	scratch sync.Pool
}

// maxPlans is the maximum number of types with a plan. A program has fewer types unless it makes types by reflection.
const maxPlans = 4096

var (
	plans   sync.Map // layout.TypeID of a pointer to the type → *plan
	planned atomic.Int64
	latest  [256]atomic.Pointer[plan] // some of plans, by a hash of the type: a look-up in plans takes 10 % of a small value
	noPlan  plan
)

// planOf returns the plan for T.
func planOf[T any]() *plan {
	t := layout.DynamicType((*T)(nil))
	recent := &latest[t.Hash()%uint64(len(latest))]
	if p := recent.Load(); p != nil && p.t == t {
		return p
	}
	known, ok := plans.Load(t)
	if !ok {
		if planned.Add(1) > maxPlans {
			return &noPlan
		}
		p := &plan{t: t, read: compile(reflect.TypeFor[T]()), scratch: sync.Pool{New: func() any { return new(scratch[T]) }}}
		known, _ = plans.LoadOrStore(t, p)
	}
	p := known.(*plan)
	recent.Store(p)
	return p
}
