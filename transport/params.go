package transport

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Params writes the params of a request. Only accepted keys get in: those that some action takes, and those of
// API.Accept. All others are dropped without an error, but they count against actionhero.MaxParams. Each method that
// adds returns an error of CodeInvalidInput beyond that limit.
type Params struct{ p bridge.Params }

// ParamsOf returns the writer of a Params.
func ParamsOf(p *actionhero.Params) Params { return Params{bridge.ParamsOf(p)} }

// AcceptAll makes the Params accept every key, for params that are checked later.
func (w Params) AcceptAll() { w.p.AcceptAll() }

// Add adds one text value. If the same source has sent the key before, the param has several values: an input that is a
// list gets all of them, any other input the last one.
func (w Params) Add(key, text string) error { return w.p.Add(key, text) }

// AddJSON adds one value as JSON. raw must be valid, and must not change while the request runs.
func (w Params) AddJSON(key string, raw []byte) error { return w.p.AddJSON(key, raw) }

// AddFile adds an uploaded file. A key that comes again becomes a list of files.
func (w Params) AddFile(key string, f *actionhero.File) error { return w.p.AddFile(key, f) }

// AddObject adds the members of a JSON object, which must not change while the request runs. If it is malformed, the
// error is of CodeInvalidInput and names the offset.
func (w Params) AddObject(object []byte) error { return w.p.AddObject(object) }

// AddParams adds all params of from as one source.
func (w Params) AddParams(from *actionhero.Params) error { return w.p.AddParams(from) }

// NextSource declares that the params that follow come from another part of the request, such as its body. They override
// those added before.
func (w Params) NextSource() { w.p.NextSource() }

// SetPage sets limit and offset to the defaults of the configuration if they are not set.
func (w Params) SetPage(api *actionhero.API) { w.p.SetPage(api) }

// AppendJSON appends the params as a JSON object. Values of keys for which hide returns true are "[FILTERED]"; a nil hide
// shows all.
func (w Params) AppendJSON(dst []byte, hide func(key string) bool) []byte {
	return w.p.AppendJSON(dst, hide)
}

// AppendParam appends one param as a JSON object of one member, or {} if it is not set.
func (w Params) AppendParam(dst []byte, key string) []byte { return w.p.AppendParam(dst, key) }
