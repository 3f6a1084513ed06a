package schema

import (
	"fmt"
	"reflect"
	"unsafe"
)

// fewPairs is up to how many comparisons of keys finding the values of all inputs may cost; beyond it a map is made.
const fewPairs = 1024

// Input decodes and checks the inputs of one action.
type Input struct {
	plan   *structPlan
	fields []Field
	schema []byte
}

// CompileInput makes the plan for t, which must be a struct. The error is a sentence that names the field and the
// remedy.
func CompileInput(t reflect.Type, o Options) (*Input, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the input %v is not a struct: declare one, with a field for each input", t)
	}
	c := compiler{fileType: o.FileType, made: map[reflect.Type]*codec{}}
	plan, err := c.structPlan(t, true)
	if err == nil {
		err = c.finish()
	}
	if err != nil {
		return nil, err
	}
	in := &Input{plan: plan}
	for i := range plan.fields {
		in.fields = append(in.fields, plan.fields[i].describe(o.FileType))
	}
	in.schema = inputSchema(t, o.FileType)
	return in, nil
}

// Fields lists the inputs in the order of their declaration, those of embedded structs in place. The list is the
// caller's to read, not to change.
func (in *Input) Fields() []Field { return in.fields }

// JSONSchema returns the JSON Schema (2020-12) of all inputs as one object, on one line. It is the caller's to keep,
// not to change.
func (in *Input) JSONSchema() []byte { return in.schema }

// Decode sets the fields of the struct at dst, which must be a zero value of the type that was compiled, from params,
// and checks them. It returns nil if all is well. Of several params with one key the last counts. Keys that are no
// inputs are ignored. Nothing of a Value's Raw is kept.
func (in *Input) Decode(dst unsafe.Pointer, params []Param) *Failure {
	fields := in.plan.fields
	if len(fields)*len(params) > fewPairs {
		params = in.only(params)
	}
	var d *decoder
	for i := range fields {
		f := &fields[i]
		p := unsafe.Add(dst, f.offset)
		v := valueOf(params, f.name)
		if v != nil && f.codec.set != nil {
			verdict := f.codec.setValue(p, v)
			if verdict == good {
				continue
			}
			if verdict > empty {
				d = d.orNew(f.name)
				d.judge(f.codec, p, verdict)
				continue
			}
		} else if v != nil {
			d = d.orNew(f.name)
			if f.decode(d, p, v, params) {
				continue
			}
		}
		if f.required || f.hasDefault {
			d = f.missing(d, p)
		}
	}
	if d == nil {
		return nil
	}
	return d.finish()
}

// orNew returns the decoder, a new one if there is none yet, with the path at name.
func (d *decoder) orNew(name string) *decoder {
	if d == nil {
		d = newDecoder()
	}
	d.at(name)
	return d
}

// decode decodes an input that is not a scalar. It reports whether it was given.
func (f *inputField) decode(d *decoder, p unsafe.Pointer, v *Value, params []Param) bool {
	if f.codec.file != nil {
		return f.decodeFile(d, p, v, params)
	}
	return f.codec.decodeValue(d, p, v)
}

// missing is what happens to an input that is not given.
func (f *inputField) missing(d *decoder, p unsafe.Pointer) *decoder {
	if f.hasDefault && f.codec.set != nil {
		f.codec.set(p, f.def, fromText)
		return d
	}
	d = d.orNew(f.name)
	switch {
	case f.hasDefault:
		f.codec.text(d, p, &Value{Text: f.def})
	case d.fail.Missing == "":
		d.fail.Missing = f.name
	default:
		d.violate("required", "be given")
	}
	return d
}

// valueOf returns the last value of a key, nil if there is none.
func valueOf(params []Param, key string) *Value {
	for i := len(params) - 1; i >= 0; i-- {
		if params[i].Key == key {
			return &params[i].Value
		}
	}
	return nil
}

// only returns the params that are inputs: the last one of each key, and all with files.
func (in *Input) only(params []Param) []Param {
	last := make(map[int]int, len(in.plan.fields))
	for i := range params {
		if at, ok := in.plan.index[params[i].Key]; ok {
			last[at] = i
		}
	}
	var kept []Param
	for i := range params {
		at, ok := in.plan.index[params[i].Key]
		if ok && (last[at] == i || params[i].Value.File != nil) {
			kept = append(kept, params[i])
		}
	}
	return kept
}
