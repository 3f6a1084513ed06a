package actionhero

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// paramsWriter has the methods that write a Params. transport.Params documents the exported ones.
type paramsWriter Params

func (w *paramsWriter) params() *Params { return (*Params)(w) }

func (w *paramsWriter) AcceptAll() { w.all = true }

func (w *paramsWriter) SetPage(api any) { w.params().setPage(api.(*API)) }

func (w *paramsWriter) AppendJSON(dst []byte, api any, most int) []byte {
	return w.params().appendJSON(dst, api.(*API), most)
}

func (w *paramsWriter) AppendParam(dst []byte, api any, key string) []byte {
	i := w.params().find(key)
	if i < 0 {
		return append(dst, "{}"...)
	}
	one := Params{list: w.list[i : i+1]}
	return one.appendJSON(dst, api.(*API), 0)
}

func (w *paramsWriter) NextSource() { w.source = int32(len(w.list)) }

func (w *paramsWriter) Add(key, text string) error {
	key, ok, err := w.params().admit(key)
	if !ok {
		return err
	}
	if i := w.params().find(key); i >= 0 && i >= int(w.source) && w.list[i].Value.IsText() {
		w.list[i].Value.AddText(text)
		return nil
	}
	w.params().put(key, schema.TextValue(text))
	return nil
}

func (w *paramsWriter) AddJSON(key string, raw []byte) error {
	key, ok, err := w.params().admit(key)
	if ok {
		w.params().put(key, schema.JSONValue(raw))
	}
	return err
}

func (w *paramsWriter) AddFile(key string, file any) error {
	f := file.(*File)
	key, ok, err := w.params().admit(key)
	if !ok {
		return err
	}
	if i := w.params().find(key); i >= 0 && i >= int(w.source) {
		switch before := w.list[i].Value.File().(type) {
		case *File:
			w.list[i].Value = schema.FileValue([]*File{before, f})
			return nil
		case []*File:
			w.list[i].Value = schema.FileValue(append(before, f))
			return nil
		}
	}
	w.params().put(key, schema.FileValue(f))
	return nil
}

func (w *paramsWriter) AddObject(object []byte) error {
	if err := jsonx.Members(object, w.AddJSON); err != nil {
		return AsError(err)
	}
	return nil
}

func (w *paramsWriter) AddInput(input any) error {
	params, whole, err := schema.Sent(input, schema.Options{FileType: reflect.TypeFor[File]()})
	if err != nil {
		return err
	}
	if whole != nil {
		return w.AddObject(whole)
	}
	for i := range params {
		key, ok, refused := w.params().admit(params[i].Key)
		if refused != nil {
			return refused
		}
		if ok {
			w.params().put(key, params[i].Value)
		}
	}
	return nil
}

func (w *paramsWriter) AddParams(from any) error {
	other := from.(*Params)
	for i := range other.list {
		key, ok, err := w.params().admit(other.list[i].Key)
		if err != nil {
			return err
		}
		if ok {
			w.params().put(key, other.list[i].Value.Own())
		}
	}
	return nil
}

// setPage adds the params "limit" and "offset" with the default values of the API, unless the request has them.
func (p *Params) setPage(api *API) {
	if !p.Has("limit") {
		p.put("limit", schema.JSONValue(api.limitJSON))
	}
	if !p.Has("offset") {
		p.put("offset", schema.JSONValue(api.offsetJSON))
	}
}

// admit counts one value of the request and reports whether key is accepted. If key is accepted, admit also returns a
// string equal to key that does not share memory with the bytes of the request. If the request has more than MaxParams
// values, the error is [CodeInvalidInput].
func (p *Params) admit(key string) (string, bool, error) {
	if p.seen == MaxParams {
		return "", false, &Error{Code: CodeInvalidInput, Message: fmt.Sprintf("a request may carry %d parameters at most", MaxParams)}
	}
	p.seen++
	if p.all {
		return strings.Clone(key), true, nil // key may share memory with the bytes that the transport read
	}
	own, ok := p.accepted[key]
	if !ok && p.strict {
		p.drop(key)
	}
	return own, ok, nil
}
