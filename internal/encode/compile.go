package encode

import (
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
	"github.com/go-json-experiment/json"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	anyType      = reflect.TypeFor[any]()
)

// maxDepth is the maximum nesting of a value. A deeper value is an error, because in practice only a value that
// contains itself is so deep.
const maxDepth = 1000

// appendFunc appends the JSON of the value at p to dst. depth is the number of arrays, objects, pointers and interfaces
// that enclose the value. If the returned error is not nil, the returned slice has no meaning.
type appendFunc func(dst []byte, p layout.Pointer, depth int) ([]byte, error)

// encoder is the plan for the values of one type. The encoders of recursive types refer to each other. Therefore a
// closure reads the fields of an encoder when it encodes a value: a field may still be unset when the closure is made.
type encoder struct {
	t       reflect.Type
	append  appendFunc
	members appendFunc // appends an object without its braces; nil unless all values of the type are objects
	direct  bool       // layout.HeldDirectly
}

// maxEncoders is the maximum number of plans in the cache for types that first occur in a value at run time. A program
// has fewer of these types unless it creates types by reflection. Beyond the limit, Marshal encodes the values of
// further types.
const maxEncoders = 4096

var encoders = cache{max: maxEncoders}

// cache maps each type to its complete plan.
type cache struct {
	plans sync.Map // reflect.Type → *encoder
	mu    sync.Mutex
	n     int // number of plans
	max   int
}

// get returns the plan for t, and builds the plan at the first call for t. If the cache holds max plans, it returns an
// uncached plan that calls Marshal.
func (c *cache) get(t reflect.Type) (*encoder, error) {
	if e, ok := c.plans.Load(t); ok {
		return e.(*encoder), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n >= c.max {
		e := &encoder{t: t, direct: layout.HeldDirectly(t)}
		e.useMarshal()
		return e, nil
	}
	return c.add(t)
}

// compile returns the plan for t, and builds the plan at the first call for t, even if the cache holds max plans.
func (c *cache) compile(t reflect.Type) (*encoder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.add(t)
}

func (c *cache) add(t reflect.Type) (*encoder, error) {
	compiler := compiler{complete: &c.plans, pending: map[reflect.Type]*encoder{}}
	e, err := compiler.encoder(t)
	if err != nil {
		return nil, err
	}
	for t, e := range compiler.pending { // all pending plans are complete now
		c.plans.Store(t, e)
		c.n++
	}
	return e, nil
}

// compiler builds the plan of one type and the plans of the types inside it.
type compiler struct {
	complete *sync.Map
	pending  map[reflect.Type]*encoder // new plans, some of which are not complete yet
}

func (c *compiler) encoder(t reflect.Type) (*encoder, error) {
	if e, ok := c.complete.Load(t); ok {
		return e.(*encoder), nil
	}
	if e, ok := c.pending[t]; ok {
		return e, nil
	}
	e := &encoder{t: t, direct: layout.HeldDirectly(t)}
	c.pending[t] = e
	return e, c.compile(e)
}

func (c *compiler) compile(e *encoder) error {
	t := e.t
	switch {
	case t == timeType:
		e.append = appendTime
		return nil
	case t == durationType:
		e.append = appendDuration
		return nil
	}
	if o, ok := layout.OptionalOf(t); ok {
		elem, err := c.encoder(o.Elem)
		e.append = appendOptional(o, elem)
		return err
	}
	switch {
	case layout.EncodesItself(t):
		e.append = appendByMethod(t)
		if t.Kind() == reflect.Struct || t.Kind() == reflect.Map {
			e.members = membersOfObject(e.append)
		}
		return nil
	}
	if e.append = scalars[t.Kind()]; e.append != nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Interface:
		e.append = appendInterface(t)
		if t == anyType {
			e.append = appendAny
		}
		return nil
	case reflect.Struct:
		return c.compileStruct(e)
	case reflect.Map:
		return c.compileMap(e)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return c.compileList(e)
	}
	return layout.Problem("is or has a %v, for which JSON has no form: leave it out with json:\"-\"", t)
}

// compileList completes the plan of a slice, array or pointer type.
func (c *compiler) compileList(e *encoder) error {
	t := e.t
	if layout.IsByte(t.Elem()) {
		switch t.Kind() {
		case reflect.Slice:
			e.append = appendBytes
			return nil
		case reflect.Array:
			e.append = appendByteArray(t.Len())
			return nil
		}
	}
	elem, err := c.encoder(t.Elem())
	if err != nil {
		return err
	}
	switch t.Kind() {
	case reflect.Slice:
		e.append = appendSlice(elem)
	case reflect.Array:
		e.append = appendArray(elem, t.Len())
	default:
		e.append = appendPointer(elem)
	}
	return nil
}

func (c *compiler) compileMap(e *encoder) error {
	t := e.t
	if t.Key().Kind() != reflect.String || layout.EncodesItself(t.Key()) {
		e.useMarshal()
		return nil
	}
	elem, err := c.encoder(t.Elem())
	if err != nil {
		return err
	}
	e.useMembers(mapMembers(t, elem))
	return nil
}

func (c *compiler) compileStruct(e *encoder) error {
	members, ok, err := c.structMembers(e.t)
	switch {
	case err == nil:
		e.useMembers(members)
	case ok || marshalRefuses(e.t):
		return err
	default:
		e.useMarshal()
	}
	return nil
}

// marshalRefuses reports whether Marshal returns an error for every value of type t. It tests only the zero value. If a
// method of the type panics with the zero value, marshalRefuses returns false.
func marshalRefuses(t reflect.Type) (refuses bool) {
	defer func() {
		if recover() != nil {
			refuses = false // a method of the type panics with the zero value, which says nothing about other values
		}
	}()
	_, err := jsonx.Marshal(reflect.New(t).Interface())
	e, ok := errors.AsType[*json.SemanticError](err)
	return ok && e.GoType == t
}

// useMembers sets the append functions of e for a type whose values are objects. The argument members appends an object
// without its braces. The function e.append adds the braces.
func (e *encoder) useMembers(members appendFunc) {
	e.members = members
	e.append = func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		if depth >= maxDepth {
			return dst, errTooDeep
		}
		dst, err := members(append(dst, '{'), p, depth+1)
		if err != nil {
			return dst, err
		}
		return append(dst, '}'), nil
	}
}
