package schema

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// filePlan returns the plan of an uploaded file or of a list of uploaded files. It returns nil if t is another type.
func (c *compiler) filePlan(t reflect.Type) *typePlan {
	if c.fileType == nil {
		return nil
	}
	one := reflect.PointerTo(c.fileType)
	many := reflect.SliceOf(one)
	switch t {
	case one:
		return &typePlan{t: t, class: classFile, expected: "a file", file: func(p layout.Pointer, file any) bool {
			if reflect.TypeOf(file) != one {
				return false
			}
			p.Store(layout.Target(file))
			return true
		}}
	case many:
		return &typePlan{t: t, class: classFiles, expected: "a file or several", file: func(p layout.Pointer, file any) bool {
			list, v := p.Value(many), reflect.ValueOf(file)
			switch v.Type() {
			case one:
				list.Set(reflect.Append(list, v))
			case many:
				list.Set(reflect.AppendSlice(list, v))
			default:
				return false
			}
			return true
		}}
	}
	return nil
}

// decodeFile stores an uploaded file in the variable at p. If the input is a list of files, it stores the files of all
// params with the key of the input. It returns false if the input is not given. An empty text counts as not given,
// because a form sends an empty text if the user chose no file.
func (f *inputField) decodeFile(d *decodeState, p layout.Pointer, v *Value, params []Param) bool {
	if v.File() == nil {
		sent := v.LastText()
		if raw := v.JSON(); raw != nil {
			sent = string(trim(raw))
		}
		switch sent {
		case "", `""`, "null":
			return false
		}
		d.wrongType(f.plan)
		return true
	}
	ok := true
	if f.plan.class == classFile {
		ok = f.plan.file(p, v.File())
	} else {
		for i := range params {
			if params[i].Key == f.name && params[i].Value.File() != nil {
				ok = f.plan.file(p, params[i].Value.File()) && ok
			}
		}
	}
	if !ok {
		d.wrongType(f.plan)
		return true
	}
	d.check(f.plan, p)
	return true
}
