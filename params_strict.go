package actionhero

import (
	"maps"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/near"
)

const (
	// maxDropped is the number of unknown params that an error names.
	maxDropped = 16
	// maxKeyShown is the length, in bytes, of the key of an unknown param in an error.
	maxKeyShown = 64
)

// shortKey returns a copy of the beginning of key.
func shortKey(key string) string {
	if len(key) > maxKeyShown {
		return strings.ToValidUTF8(key[:maxKeyShown], "") + "…"
	}
	return strings.ToValidUTF8(key, "\ufffd")
}

// drop remembers a key that was not accepted, unless there are maxDropped already.
func (p *Params) drop(key string) {
	if p.dropped == nil {
		p.dropped = new([]string)
	}
	if len(*p.dropped) < maxDropped {
		*p.dropped = append(*p.dropped, shortKey(key))
	}
}

// unknownParams returns a [CodeInvalidInput] error that names the params which the action does not take, or nil. Params
// that every request may carry, such as "callback" and those of API.Accept, are known to all actions.
func (act *action) unknownParams(req *Request) *Error {
	free := req.API.registry.Load().free
	var unknown []string
	if req.Params.dropped != nil {
		unknown = slices.Clone(*req.Params.dropped)
	}
	for i := range req.Params.list {
		key := req.Params.list[i].Key
		if _, ok := free[key]; !ok && !act.takes(key) && len(unknown) < maxDropped {
			unknown = append(unknown, shortKey(key))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(free))
	for _, in := range act.info.Inputs {
		names = append(names, in.Name)
	}
	e := &Error{Code: CodeInvalidInput}
	for _, key := range unknown {
		message := key + " is not a parameter of this action"
		if meant := near.Name(key, names); meant != "" {
			message += "; did you mean " + meant + "?"
		}
		e.Details = append(e.Details, Detail{Field: key, Rule: "unknown", Message: message})
	}
	e.Message = e.Details[0].Message
	return e
}
