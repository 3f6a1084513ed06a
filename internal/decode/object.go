package decode

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// member is the plan for one member of an object.
type member struct {
	key      string // a comma, the name in quotes and a colon
	offset   uintptr
	read     readFunc
	optional bool // the JSON may lack the member
}

// object returns the function that reads structs of type t, or nil if only jsonx.Unmarshal knows how to read their members.
func (c *compiler) object(t reflect.Type) readFunc {
	list, err := layout.Members(t)
	if err != nil {
		return nil
	}
	members := make([]member, len(list))
	for i := range list {
		m := &list[i]
		if m.Via != nil || m.Quoted {
			return nil
		}
		read, _ := c.compile(m.Field.Type)
		key := string(append(jsonx.AppendString([]byte{','}, m.Name), ':'))
		members[i] = member{key, m.Offset, read, m.OmitEmpty || m.OmitZero}
	}
	return func(r *reader, p layout.Pointer) bool { return r.members(members, p) }
}

func (r *reader) members(members []member, p layout.Pointer) bool {
	if !r.take('{') {
		return false
	}
	comma := 1 // the first member has no comma
	for at := range members {
		m := &members[at]
		switch {
		case !r.skip(m.key[comma:]):
			if !m.optional {
				return false
			}
		case !m.read(r, p.Field(m.offset)):
			return false
		default:
			comma = 0
		}
	}
	return r.take('}')
}
