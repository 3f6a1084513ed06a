package actionhero

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// MaxParams is how many values one request may carry, dropped ones included. More is an [CodeInvalidInput].
const MaxParams = 10_000

// File is an uploaded file, as an input: declare a field of type *File (or []*File). It can be read and seeked until
// the action returns; then the transport removes it.
type File struct {
	Name string // as the client named it, without any folder; never use it as a path
	Type string // the media type the client claims
	Size int64  // bytes
	io.ReadSeeker
}

// Params is what a client sent with a request: keys with text, JSON or a file, undecoded, in the order they came.
// Only keys that some registered action declares as an input, and those added by [API.Accept], get in; anything else
// is dropped silently. The zero value accepts every key.
type Params struct {
	list     []schema.Param
	accepted acceptSet // nil: everything
	source   int       // where the entries of the current source begin
	seen     int       // values offered, for MaxParams
	inline   [5]schema.Param
}

// acceptSet maps each accepted key to itself, so that a request need not keep a string of its own.
type acceptSet map[string]string

// Len returns how many keys there are.
func (p *Params) Len() int { return len(p.list) }

// Has reports whether the key was sent.
func (p *Params) Has(key string) bool { return p.find(key) >= 0 }

// Get returns the value of key as text: a JSON string without its quotes, other JSON as it stands, "" for a file or a
// key that was not sent.
func (p *Params) Get(key string) string {
	if i := p.find(key); i >= 0 {
		return valueText(&p.list[i].Value)
	}
	return ""
}

// Set sets key to a text, replacing what was sent. It is not subject to the list of accepted keys.
func (p *Params) Set(key, text string) {
	p.put(key, schema.Value{Text: text})
}

// Delete removes key.
func (p *Params) Delete(key string) {
	if i := p.find(key); i >= 0 {
		p.remove(i)
	}
}

// All yields each key with its value as text, as [Params.Get] returns it.
func (p *Params) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range p.list {
			if !yield(p.list[i].Key, valueText(&p.list[i].Value)) {
				return
			}
		}
	}
}

// SetPage sets limit and offset to their defaults where they are not set.
func (p *Params) SetPage(api *API) {
	if !p.Has("limit") {
		p.put("limit", schema.Value{Raw: api.limitJSON})
	}
	if !p.Has("offset") {
		p.put("offset", schema.Value{Raw: api.offsetJSON})
	}
}

// Clone returns a copy that shares nothing that changes.
func (p *Params) Clone() Params {
	return Params{list: slices.Clone(p.list), accepted: p.accepted, source: p.source, seen: p.seen}
}

// Add adds one text value. A key that the same source sent before becomes a repeated one: a list for an input that is
// a list, else the last counts.
func (p *Params) Add(key, text string) error {
	key, ok, err := p.admit(key)
	if !ok {
		return err
	}
	if i := p.find(key); i >= 0 && i >= p.source && p.list[i].Value.Raw == nil && p.list[i].Value.File == nil {
		p.list[i].Value.More = append(p.list[i].Value.More, text)
		return nil
	}
	p.put(key, schema.Value{Text: text})
	return nil
}

// AddJSON adds one value as JSON, which must be valid and must stay unchanged while the request runs.
func (p *Params) AddJSON(key string, raw []byte) error {
	key, ok, err := p.admit(key)
	if ok {
		p.put(key, schema.Value{Raw: raw})
	}
	return err
}

// AddFile adds an uploaded file. A key that comes again becomes a list of files.
func (p *Params) AddFile(key string, f *File) error {
	key, ok, err := p.admit(key)
	if !ok {
		return err
	}
	if i := p.find(key); i >= 0 && i >= p.source {
		switch before := p.list[i].Value.File.(type) {
		case *File:
			p.list[i].Value.File = []*File{before, f}
			return nil
		case []*File:
			p.list[i].Value.File = append(before, f)
			return nil
		}
	}
	p.put(key, schema.Value{File: f})
	return nil
}

// AddObject adds the members of a JSON object. The error is an [CodeInvalidInput] that names the offset of what is wrong.
func (p *Params) AddObject(object []byte) error {
	if err := jsonx.Members(object, p.AddJSON); err != nil {
		return AsError(err)
	}
	return nil
}

// NextSource says that what is added from now on comes from another part of the request and overrides what came before.
func (p *Params) NextSource() { p.source = len(p.list) }

// AddParams adds all of other's params as one source.
func (p *Params) AddParams(other *Params) error {
	for i := range other.list {
		key, ok, err := p.admit(other.list[i].Key)
		if err != nil {
			return err
		}
		if ok {
			p.put(key, other.list[i].Value)
		}
	}
	return nil
}

// AppendJSON appends the params as a JSON object; values for which hide is true as "[FILTERED]".
func (p *Params) AppendJSON(dst []byte, hide func(key string) bool) []byte {
	dst = append(dst, '{')
	for i := range p.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonx.AppendString(dst, p.list[i].Key)
		dst = append(dst, ':')
		if hide != nil && hide(p.list[i].Key) {
			dst = append(dst, `"[FILTERED]"`...)
			continue
		}
		dst = appendValue(dst, &p.list[i].Value)
	}
	return append(dst, '}')
}

// AppendJSONOf appends one param as a JSON object of one member, or {} if it is not set.
func (p *Params) AppendJSONOf(dst []byte, key string) []byte {
	i := p.find(key)
	if i < 0 {
		return append(dst, "{}"...)
	}
	one := Params{list: p.list[i : i+1]}
	return one.AppendJSON(dst, nil)
}

func appendValue(dst []byte, v *schema.Value) []byte {
	switch {
	case v.File != nil:
		return appendFiles(dst, v.File)
	case v.Raw != nil:
		return jsonx.AppendRaw(dst, v.Raw)
	case v.More == nil:
		return jsonx.AppendString(dst, v.Text)
	}
	dst = append(dst, '[')
	dst = jsonx.AppendString(dst, v.Text)
	for _, text := range v.More {
		dst = append(dst, ',')
		dst = jsonx.AppendString(dst, text)
	}
	return append(dst, ']')
}

// appendFiles appends a *File as what is known of it, or a []*File as a list of that.
func appendFiles(dst []byte, files any) []byte {
	list, ok := files.([]*File)
	if ok {
		dst = append(dst, '[')
		for i, f := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendFiles(dst, f)
		}
		return append(dst, ']')
	}
	f := files.(*File)
	dst = jsonx.AppendString(append(dst, `{"name":`...), f.Name)
	dst = strconv.AppendInt(append(dst, `,"size":`...), f.Size, 10)
	return append(jsonx.AppendString(append(dst, `,"type":`...), f.Type), '}')
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

// admit says whether key gets in, and returns the API's own copy of it.
func (p *Params) admit(key string) (string, bool, error) {
	if p.seen++; p.seen > MaxParams {
		return "", false, &Error{Code: CodeInvalidInput, Message: fmt.Sprintf("a request may carry %d parameters at most", MaxParams)}
	}
	if p.accepted == nil {
		return strings.Clone(key), true, nil // it may be a part of what the transport read
	}
	own, ok := p.accepted[key]
	return own, ok, nil
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
