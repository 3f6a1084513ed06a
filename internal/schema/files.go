package schema

import (
	"reflect"
	"unsafe"
)

// fileCodec returns the codec of an upload, nil if t is none.
func (c *compiler) fileCodec(t reflect.Type) *codec {
	if c.fileType == nil {
		return nil
	}
	one := reflect.PointerTo(c.fileType)
	many := reflect.SliceOf(one)
	switch t {
	case one:
		return &codec{t: t, class: classFile, wants: "a file", file: func(p unsafe.Pointer, file any) bool {
			if reflect.TypeOf(file) != one {
				return false
			}
			*(*unsafe.Pointer)(p) = reflect.ValueOf(file).UnsafePointer()
			return true
		}}
	case many:
		return &codec{t: t, class: classFiles, wants: "a file or several", file: func(p unsafe.Pointer, file any) bool {
			list, v := reflect.NewAt(many, p).Elem(), reflect.ValueOf(file)
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

// decodeFile sets an upload, or the list of all uploads under one key. A form sends the empty text for a file that was
// not chosen.
func (f *inputField) decodeFile(d *decoder, p unsafe.Pointer, v *Value, params []Param) bool {
	if v.File == nil {
		sent := v.last()
		if v.Raw != nil {
			sent = string(trim(v.Raw))
		}
		switch sent {
		case "", `""`, "null":
			return false
		}
		d.wrongType(f.codec)
		return true
	}
	ok := true
	if f.codec.class == classFile {
		ok = f.codec.file(p, v.File)
	} else {
		for i := range params {
			if params[i].Key == f.name && params[i].Value.File != nil {
				ok = f.codec.file(p, params[i].Value.File) && ok
			}
		}
	}
	if !ok {
		d.wrongType(f.codec)
		return true
	}
	d.check(f.codec, p)
	return true
}
