package schema

import (
	"errors"
	"reflect"
	"sync"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/go-json-experiment/json"
)

// maxEncoders bounds the plans that are kept of types first met while the program runs. It has fewer, unless it makes
// them by reflection; those beyond the bound are left to jsonx.
const maxEncoders = 4096

var encoders = encoderCache{max: maxEncoders}

// encoderCache holds the plans that are made.
type encoderCache struct {
	plans sync.Map // reflect.Type → *encoder
	mu    sync.Mutex
	n     int // plans
	max   int
}

// of returns the plan for t, making it at the first call as long as there is room.
func (c *encoderCache) of(t reflect.Type) (*encoder, error) {
	if e, ok := c.plans.Load(t); ok {
		return e.(*encoder), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n >= c.max {
		return &encoder{t: t, append: appendByJSONX(t), members: membersByJSONX(t), pointer: heldDirectly(t)}, nil
	}
	return c.add(t)
}

// compile returns the plan for t, making it at the first call even if there is no room.
func (c *encoderCache) compile(t reflect.Type) (*encoder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.add(t)
}

func (c *encoderCache) add(t reflect.Type) (*encoder, error) {
	compiler := encoderCompiler{made: &c.plans, making: map[reflect.Type]*encoder{}}
	e, err := compiler.encoder(t)
	if err != nil {
		return nil, err
	}
	for t, e := range compiler.making { // all are complete now
		c.plans.Store(t, e)
		c.n++
	}
	return e, nil
}

// encoderCompiler makes the plans of one type and of all that it consists of.
type encoderCompiler struct {
	made   *sync.Map
	making map[reflect.Type]*encoder // some of them not complete yet
}

func (c *encoderCompiler) encoder(t reflect.Type) (*encoder, error) {
	if e, ok := c.made.Load(t); ok {
		return e.(*encoder), nil
	}
	if e, ok := c.making[t]; ok {
		return e, nil
	}
	e := &encoder{t: t, pointer: heldDirectly(t)}
	c.making[t] = e
	return e, c.fill(e)
}

func (c *encoderCompiler) fill(e *encoder) error {
	t := e.t
	switch {
	case t == timeType:
		e.append = appendTime
		return nil
	case t == durationType:
		e.append = appendDuration
		return nil
	case encodesItself(t):
		e.append = appendByJSONX(t)
		if t.Kind() == reflect.Struct || t.Kind() == reflect.Map {
			e.members = membersByJSONX(t)
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
		return c.fillStruct(e)
	case reflect.Map:
		return c.fillMap(e)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return c.fillList(e)
	}
	return wrong("is or has a %v, for which JSON has no form: leave it out with json:\"-\"", t)
}

// fillList makes the plan of a slice, an array or a pointer.
func (c *encoderCompiler) fillList(e *encoder) error {
	t := e.t
	isBytes := isByte(t.Elem())
	if isBytes && t.Kind() == reflect.Slice {
		e.append = appendBytes
		return nil
	}
	if isBytes && t.Kind() == reflect.Array {
		e.append = appendByteArray(t.Len())
		return nil
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

func (c *encoderCompiler) fillMap(e *encoder) error {
	t := e.t
	if t.Key().Kind() != reflect.String || encodesItself(t.Key()) {
		e.append, e.members = appendByJSONX(t), membersByJSONX(t)
		return nil
	}
	elem, err := c.encoder(t.Elem())
	if err != nil {
		return err
	}
	m := &mapEncoder{t: t, elem: elem}
	e.members = m.members
	if t.Key() == reflect.TypeFor[string]() {
		switch t.Elem() {
		case anyType:
			e.members = membersOfTyped[any](m)
		case reflect.TypeFor[string]():
			e.members = membersOfTyped[string](m)
		}
	}
	e.append = appendObject(&e.members)
	return nil
}

func (c *encoderCompiler) fillStruct(e *encoder) error {
	members, ok, err := c.structMembers(e.t)
	if ok && err != nil {
		return err
	}
	if ok {
		e.members = members
		e.append = appendObject(&e.members)
		return nil
	}
	if probe(e.t) != nil {
		return err
	}
	e.append, e.members = appendByJSONX(e.t), membersByJSONX(e.t)
	return nil
}

// probe finds out whether jsonx refuses the type itself, whatever the value.
func probe(t reflect.Type) (err error) {
	defer func() {
		if recover() != nil {
			err = nil // a method of the type does not like zero values, which says nothing about others
		}
	}()
	_, err = jsonx.Marshal(reflect.New(t).Interface())
	if e, ok := errors.AsType[*json.SemanticError](err); ok && e.GoType == t {
		return err
	}
	return nil
}

var errNotObject = errors.New("it is not a JSON object: answer with a struct or with a map that has string keys")
