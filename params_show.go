package actionhero

import (
	"strconv"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// maxLogged is the maximum size of a param in a log line, in bytes of JSON. The limit keeps clients from pushing older
// lines out of the log.
const maxLogged = 256

// maxShown limits all params in a log line or an answer together, to this many times the maximum size of one param.
const maxShown = 16

// appendJSON appends the params to dst as one JSON object. transport.Params.AppendJSON documents the arguments.
func (p *Params) appendJSON(dst []byte, api *API, most int) []byte {
	secrets := api.registry.Load().secrets
	dst = append(dst, '{')
	start := len(dst)
	for i := range p.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if most > 0 && len(dst)-start > maxShown*most {
			return appendMore(append(dst, `"...":`...), len(p.list)-i, "}")
		}
		dst = appendText(dst, p.list[i].Key, most)
		dst = append(dst, ':')
		if hidden := secrets[p.list[i].Key]; len(hidden) > 0 {
			dst = appendShown(dst, &p.list[i].Value, hidden, most)
		} else {
			dst = appendValue(dst, &p.list[i].Value, most)
		}
	}
	return append(dst, '}')
}

// appendValue appends a value without secret parts.
func appendValue(dst []byte, v *schema.Value, most int) []byte {
	raw, more := v.JSON(), v.MoreTexts()
	switch {
	case v.File() != nil:
		return appendFiles(dst, v.File(), most)
	case raw != nil:
		if most > 0 && len(raw) > most {
			return appendBeginning(dst, jsonx.ViewString(raw), len(raw), most)
		}
		return jsonx.AppendRaw(dst, raw)
	case more == nil:
		return appendText(dst, v.Text(), most)
	}
	dst = append(dst, '[')
	start := len(dst)
	dst = appendText(dst, v.Text(), most)
	for i, text := range more {
		if most > 0 && len(dst)-start > most {
			return appendMore(append(dst, ','), len(more)-i, "]")
		}
		dst = appendText(append(dst, ','), text, most)
	}
	return append(dst, ']')
}

// appendMore appends how many further params or values are not shown, and the closing bracket.
func appendMore(dst []byte, n int, closing string) []byte {
	dst = strconv.AppendInt(append(dst, `"… (`...), int64(n), 10)
	return append(append(dst, ` more)"`...), closing...)
}

func appendText(dst []byte, text string, most int) []byte {
	if most > 0 && len(text) > most {
		return appendBeginning(dst, text, len(text), most)
	}
	return jsonx.AppendString(dst, text)
}

// appendBeginning appends a JSON string with the first most bytes of text and the size of the value, in bytes.
func appendBeginning(dst []byte, text string, size, most int) []byte {
	n := most
	for n > most-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	dst = jsonx.AppendString(dst, text[:n])
	dst = append(dst[:len(dst)-1], "… ("...)
	dst = strconv.AppendInt(dst, int64(size), 10)
	return append(dst, ` bytes)"`...)
}

// appendShown appends a value without the parts that hidden names.
func appendShown(dst []byte, v *schema.Value, hidden schema.Secrets, most int) []byte {
	start := len(dst)
	switch {
	case hidden.Whole():
		return append(dst, schema.Filtered...)
	case v.File() != nil:
		return appendFiles(dst, v.File(), most)
	case v.JSON() != nil:
		dst = hidden.AppendJSON(dst, v.JSON())
	case v.MoreTexts() == nil:
		dst = hidden.AppendText(dst, v.Text())
	default:
		dst = hidden.AppendText(append(dst, '['), v.Text())
		for _, text := range v.MoreTexts() {
			dst = hidden.AppendText(append(dst, ','), text)
		}
		dst = append(dst, ']')
	}
	if size := len(dst) - start; most > 0 && size > most {
		shown := string(dst[start : start+most+1])
		return appendBeginning(dst[:start], shown, size, most)
	}
	return dst
}

// appendFiles appends files as JSON to dst. A *File becomes an object with the members name, size and type; a []*File
// becomes a list of these objects.
func appendFiles(dst []byte, files any, most int) []byte {
	list, ok := files.([]*File)
	if ok {
		dst = append(dst, '[')
		start := len(dst)
		for i, f := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			if most > 0 && len(dst)-start > most {
				return appendMore(dst, len(list)-i, "]")
			}
			dst = appendFiles(dst, f, most)
		}
		return append(dst, ']')
	}
	f := files.(*File)
	dst = appendText(append(dst, `{"name":`...), f.Name, most)
	dst = strconv.AppendInt(append(dst, `,"size":`...), f.Size, 10)
	return append(appendText(append(dst, `,"type":`...), f.Type, most), '}')
}
