package actionhero

import (
	"io"
	"iter"
	"slices"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// MaxParams is the maximum number of values in one request, dropped ones included. More is a [CodeInvalidInput].
const MaxParams = 10_000

// File is an uploaded file. Declare an input of type *File or []*File. It can be read and seeked until the action
// returns; then the transport removes it.
type File struct {
	Name string // as the client named it, without any folder; never use it as a path
	Type string // the media type that the client claims
	Size int64  // bytes
	io.ReadSeeker
}

// Params are the params of a request: keys with text, JSON or a file, undecoded, in the order of arrival. Only keys
// that some registered action declares as an input, and keys of [API.Accept], get in; all others are dropped without an
// error. The zero value accepts no key.
type Params struct {
	list     []schema.Param
	accepted acceptSet
	all      bool // accept every key
	source   int  // index of the first entry of the current source
	seen     int  // values offered, for MaxParams
	inline   [5]schema.Param
}

// acceptSet maps each accepted key to itself, so that a request needs no string of its own.
type acceptSet map[string]string

// Len returns the number of keys.
func (p *Params) Len() int { return len(p.list) }

// Has reports whether the key was sent.
func (p *Params) Has(key string) bool { return p.find(key) >= 0 }

// Get returns the value of key as text: a JSON string without its quotes, other JSON unchanged, "" for a file or a
// missing key.
func (p *Params) Get(key string) string {
	if i := p.find(key); i >= 0 {
		return valueText(&p.list[i].Value)
	}
	return ""
}

// Set sets key to a text and replaces its value. It ignores the list of accepted keys.
func (p *Params) Set(key, text string) {
	p.put(key, schema.Value{Text: text})
}

// Delete removes key.
func (p *Params) Delete(key string) {
	if i := p.find(key); i >= 0 {
		p.remove(i)
	}
}

// All yields each key with its value as text, as returned by [Params.Get].
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
	switch {
	case v.File != nil:
		return ""
	case v.Raw == nil && len(v.More) > 0:
		return v.More[len(v.More)-1]
	case v.Raw == nil:
		return v.Text
	case v.Raw[0] == '"':
		text, _ := jsonx.Unquote(v.Raw)
		return text
	case string(v.Raw) == "null":
		return ""
	}
	return string(v.Raw)
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
	if i := p.find(key); i >= 0 && i >= p.source {
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
	if i < p.source {
		p.source--
	}
}
