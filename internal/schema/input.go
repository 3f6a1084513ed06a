package schema

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// maxComparisons limits the number of inputs times the number of params. Up to this limit, Decode searches the params
// one by one for each input. Above it, Decode first selects the params with a map.
const maxComparisons = 1024

// Input decodes and checks the inputs of one action. Goroutines may use an Input concurrently.
type Input struct {
	target layout.TypeID // a pointer to the struct
	plan   *structPlan
	fields []Field // nil after Release

	options Options
	once    sync.Once // writes schema
	schema  []byte
}

// CompileInput builds the plan for decoding inputs into the struct type t. It returns an error if t is not a struct, or
// if a field or tag is invalid. The error names the field and the remedy.
func CompileInput(t reflect.Type, o Options) (*Input, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the input %v is not a struct: declare one, with a field for each input", t)
	}
	c := compiler{fileType: o.FileType, plans: map[reflect.Type]*typePlan{}}
	plan, err := c.structPlan(t, true)
	if err == nil {
		err = c.checkTags()
	}
	if err != nil {
		return nil, err
	}
	in := &Input{target: layout.TypeIDOf(reflect.PointerTo(t)), plan: plan, options: o, fields: make([]Field, 0, len(plan.fields))}
	secrets := secretCompiler{parts: map[*typePlan]Secrets{}}
	for i := range plan.fields {
		field := plan.fields[i].describe(o.FileType)
		field.Secrets = secrets.field(&plan.fields[i])
		in.fields = append(in.fields, field)
	}
	for _, s := range c.structs {
		for i := range s.fields {
			s.fields[i].declaration = nil
		}
	}
	return in, nil
}

// Fields returns the descriptions of the inputs in the order of declaration. The fields of an embedded struct stand at
// the place of that struct. The caller must not change the returned slice.
func (in *Input) Fields() []Field {
	if in.fields != nil || len(in.plan.fields) == 0 {
		return in.fields
	}
	again, err := CompileInput(in.plan.t, in.options)
	if err != nil {
		panic(err) // the same type compiled before
	}
	return again.fields
}

// Release frees the descriptions that Fields returns. Later calls of Fields build them anew. An app with thousands of actions
// needs them only while it registers the actions. No other method may run during a call of Release.
func (in *Input) Release() { in.fields = nil }

// JSONSchema returns one JSON Schema (2020-12) that describes the inputs as an object, on one line. The caller may keep
// the returned slice but must not change it.
func (in *Input) JSONSchema() []byte {
	in.once.Do(func() { in.schema = slices.Clip(InputSchema(in.plan.t, in.options.FileType, false)) })
	return in.schema
}

// Decode sets the fields of dst from params and checks the values. dst must be a pointer to a zero value of the
// compiled type; Decode panics if dst has another type. Decode returns nil if all inputs are valid. If a key occurs
// more than once, the last param with the key counts. Decode ignores keys that are not inputs. It does not retain the
// bytes of a JSON value.
func (in *Input) Decode(dst any, params []Param) *Failure { return in.decode(dst, params, false) }

// DecodeStrict is [Input.Decode], but members that a nested struct does not have are violations of the rule "unknown". It
// ignores keys of params that are not inputs, as Decode does.
func (in *Input) DecodeStrict(dst any, params []Param) *Failure { return in.decode(dst, params, true) }

func (in *Input) decode(dst any, params []Param, strict bool) *Failure {
	if layout.DynamicType(dst) != in.target {
		panic(fmt.Sprintf("schema: Decode needs a *%v, not a %T", in.plan.t, dst))
	}
	base := layout.Target(dst)
	fields := in.plan.fields
	if len(fields)*len(params) > maxComparisons {
		params = in.selectParams(params)
	}
	var d *decodeState
	for i := range fields {
		f := &fields[i]
		p := base.Field(f.offset)
		v := lastValue(params, f.name)
		if v != nil && f.plan.set != nil {
			o := f.plan.setValue(p, v)
			if o == accepted {
				continue
			}
			if o == isNull && f.plan.setNull(p) {
				continue
			}
			if o != isNull && o != isEmpty {
				d = d.begin(f.name, strict)
				d.report(f.plan, p, o)
				continue
			}
		} else if v != nil {
			d = d.begin(f.name, strict)
			if f.secret {
				d.hidden++
			}
			given := f.decode(d, p, v, params)
			if f.secret {
				d.hidden--
			}
			if given {
				continue
			}
		}
		if f.required || f.hasDefault || f.nested != nil {
			d = f.missing(d, p, strict)
		}
	}
	if d == nil {
		return nil
	}
	return d.finish()
}

// decode decodes v, the value of an input that is not a scalar, into the variable at p. It returns true if the input is
// given, even if its value is invalid.
func (f *inputField) decode(d *decodeState, p layout.Pointer, v *Value, params []Param) bool {
	if f.plan.file != nil {
		return f.decodeFile(d, p, v, params)
	}
	return f.plan.decodeValue(d, p, v)
}

// missing handles an input that is not given: it sets the default, or records that a required input is missing. In a
// struct without a default of its own, it sets the defaults of the members. It returns the decodeState for the next input: d, or a new one if d is nil and a state is needed. Setting the default of
// a scalar needs no state.
func (f *inputField) missing(d *decodeState, p layout.Pointer, strict bool) *decodeState {
	if f.hasDefault && f.plan.set != nil {
		f.setDefault(nil, p)
		return d
	}
	d = d.begin(f.name, strict)
	switch {
	case f.hasDefault:
		f.setDefault(d, p)
	case f.required:
		d.violate("required", "be given")
		if d.fail.Missing == "" {
			d.fail.Missing = f.name
		}
	default:
		f.nested.setDefaults(d, p)
	}
	return d
}

// lastValue returns the last value in params with the key, or nil if no param has the key.
func lastValue(params []Param, key string) *Value {
	for i := len(params) - 1; i >= 0; i-- {
		if params[i].Key == key {
			return &params[i].Value
		}
	}
	return nil
}

// selectParams returns the params whose keys are inputs: the last param of each key, and every param with a file.
func (in *Input) selectParams(params []Param) []Param {
	last := make(map[int]int, len(in.plan.fields)) // index of the field → index of the param
	for i := range params {
		if field, ok := in.plan.index[params[i].Key]; ok {
			last[field] = i
		}
	}
	var kept []Param
	for i := range params {
		field, ok := in.plan.index[params[i].Key]
		if ok && (last[field] == i || params[i].Value.File() != nil) {
			kept = append(kept, params[i])
		}
	}
	return kept
}
