package actionhero

import (
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// MaxParams is the maximum number of values in one request. Values that are dropped count, too. A request with more
// values fails with [CodeInvalidInput].
const MaxParams = 10_000

// File is an uploaded file. An action receives it through an input of type *File or []*File. The action can read and
// seek the file until the action returns; then the transport removes the file.
type File struct {
	Name string // as the client named it, without any folder; never use it as a path
	Type string // the media type that the client claims
	Size int64  // bytes
	io.ReadSeeker
}

// Params holds the params of a request in the order of their arrival. Each param has a key and a value: text, JSON or a
// file, not decoded yet. Params keeps a key only if some registered action declares it as an input or if [API.Accept]
// has added it. All other keys are dropped without an error. The zero value accepts no key. Params is valid until the action
// returns; to keep it longer, use [Params.Clone].
type Params struct {
	list     []schema.Param
	accepted acceptSet
	dropped  *[]string // the first keys that were not accepted, if strict is true; nil: none
	source   int32     // index of the first entry of the current source
	seen     uint16    // values offered, for MaxParams
	all      bool      // accept every key
	strict   bool      // remember the dropped keys
	inline   [5]schema.Param
}

// acceptSet is the set of accepted keys. acceptSet maps each key to itself, so that a request uses the string of the
// set and need not copy the key from the bytes that the transport read.
type acceptSet map[string]string

// Len returns the number of keys that the request has.
func (p *Params) Len() int { return len(p.list) }

// Has reports whether the request has a value for key.
func (p *Params) Has(key string) bool { return p.find(key) >= 0 }

// Get returns the value of key as text. A JSON string is returned without its quotes, other JSON unchanged. If the
// value is a file or missing, Get returns "".
func (p *Params) Get(key string) string {
	if i := p.find(key); i >= 0 {
		return valueText(&p.list[i].Value)
	}
	return ""
}

// Set replaces the value of key with text. If the request has no value for key, Set adds one, even if the API does not
// accept the key.
func (p *Params) Set(key, text string) {
	p.put(key, schema.TextValue(text))
}

// Delete removes key and its value. If the request has no value for key, Delete does nothing.
func (p *Params) Delete(key string) {
	if i := p.find(key); i >= 0 {
		p.remove(i)
	}
}

// Clone returns a copy that stays valid after the request. The copy shares no memory with the request, except that files
// are the same files, which the transport removes when the action has returned.
func (p *Params) Clone() *Params {
	clone := &Params{accepted: p.accepted, all: p.all, seen: p.seen, source: p.source, list: make([]schema.Param, len(p.list))}
	for i := range p.list {
		clone.list[i] = schema.Param{Key: strings.Clone(p.list[i].Key), Value: p.list[i].Value.Clone()}
	}
	return clone
}

// All returns an iterator over the keys and their values, as text in the form of [Params.Get].
func (p *Params) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range p.list {
			if !yield(p.list[i].Key, valueText(&p.list[i].Value)) {
				return
			}
		}
	}
}

func valueText(v *schema.Value) string {
	raw := v.JSON()
	switch {
	case raw == nil:
		return v.LastText()
	case raw[0] == '"':
		text, _ := jsonx.Unquote(raw)
		return text
	case string(raw) == "null":
		return ""
	}
	return string(raw)
}

func (p *Params) find(key string) int {
	for i := range p.list {
		if p.list[i].Key == key {
			return i
		}
	}
	return -1
}

func (p *Params) put(key string, v schema.Value) {
	if i := p.find(key); i >= 0 && i >= int(p.source) {
		p.list[i].Value = v
		return
	} else if i >= 0 {
		p.remove(i)
	}
	if p.list == nil {
		p.list = p.inline[:0]
	}
	p.list = append(p.list, schema.Param{Key: key, Value: v})
}

func (p *Params) remove(i int) {
	p.list = slices.Delete(p.list, i, i+1)
	if i < int(p.source) {
		p.source--
	}
}
