package transport

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Params writes the params of a request. Params keeps a param only if some action declares the key as an input or
// API.Accept has added the key. Params drops all other params without an error, but counts them against
// actionhero.MaxParams. If that limit is exceeded, the methods that add params return an error of CodeInvalidInput.
type Params struct{ p bridge.Params }

// ParamsOf returns a Params that writes to p.
func ParamsOf(p *actionhero.Params) Params { return Params{bridge.ParamsOf(p)} }

// AcceptAll makes the Params keep every key. AcceptAll is for params that are checked later.
func (w Params) AcceptAll() { w.p.AcceptAll() }

// Add adds a text value for key. If the current source (see NextSource) has already added a text for key, the param has
// several values. An input that is a list receives all these values. Any other input receives the last one.
func (w Params) Add(key, text string) error { return w.p.Add(key, text) }

// AddJSON sets the value of key to raw. raw must be valid JSON, and must not change while the request runs.
func (w Params) AddJSON(key string, raw []byte) error { return w.p.AddJSON(key, raw) }

// AddFile sets the value of key to an uploaded file. If the current source (see NextSource) has already added a file
// for key, the value becomes a list of files.
func (w Params) AddFile(key string, f *actionhero.File) error { return w.p.AddFile(key, f) }

// AddObject adds each member of a JSON object as a param. The bytes of object must not change while the request runs.
// If object is malformed, the error is of CodeInvalidInput and names the byte offset of the fault.
func (w Params) AddObject(object []byte) error { return w.p.AddObject(object) }

// AddInput adds the params that a client sends to give the inputs in input: a struct, a map with string keys, a pointer to
// one of these, another value that encodes as a JSON object, or nil. For a struct, also inside a map, the rules of
// actionhero.Action.Call apply: a field with its zero value is not given. A member of a map is given, unless it is an
// actionhero.Optional that is not set. Files are passed. If a struct is no type for the input of an action, or a value
// does not encode as JSON, AddInput returns an error.
func (w Params) AddInput(input any) error { return w.p.AddInput(input) }

// AddParams adds all params of another Params. The added params replace earlier params with the same keys. JSON values share
// the memory of from, which must not change while the request runs.
func (w Params) AddParams(from *actionhero.Params) error { return w.p.AddParams(from) }

// NextSource declares that the params added after this call come from another part of the request, for example from its
// body. The params of the new source replace params of earlier sources with the same keys.
func (w Params) NextSource() { w.p.NextSource() }

// SetPage sets the params "limit" and "offset" to the defaults of the configuration, unless the request has them.
func (w Params) SetPage(api *actionhero.API) { w.p.SetPage(api) }

// ShownBytes is the maximum size of a value that an answer repeats to its client, for [Params.AppendJSON].
const ShownBytes = 4 << 10

// AppendJSON appends the params to dst as one JSON object, for an answer or a log line. "[FILTERED]" stands in place of
// the values, and of the parts of values, that api declares as secret. Of a value with more than most bytes of JSON,
// AppendJSON writes the beginning as text, with the number of bytes of the value. If most is 0, it writes whole values.
func (w Params) AppendJSON(dst []byte, api *actionhero.API, most int) []byte {
	return w.p.AppendJSON(dst, api, most)
}

// AppendParam appends the param with this key to dst as a JSON object with one member, or {} if the param is not set. It
// hides secret values as [Params.AppendJSON] does.
func (w Params) AppendParam(dst []byte, api *actionhero.API, key string) []byte {
	return w.p.AppendParam(dst, api, key)
}
