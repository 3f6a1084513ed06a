package schema

import "github.com/actionhero-go/actionhero/internal/jsonx"

// peek returns the byte at the cursor, 0 at the end.
func (d *decodeState) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// value returns the value at the cursor and moves behind it.
func (d *decodeState) value() []byte {
	start := d.pos
	d.pos = jsonx.SkipValue(d.data, start)
	return d.data[start:d.pos:d.pos]
}

// open moves from the opening bracket at the cursor to the first value or name. It reports whether there is one. If data is
// not JSON, open and next end at the end of data.
func (d *decodeState) open(end byte) bool {
	d.pos = jsonx.SkipSpace(d.data, d.pos+1)
	if d.peek() == end {
		d.pos++
		return false
	}
	return d.pos < len(d.data)
}

// next moves from behind a value to the next value or name, or behind the closing bracket end. It reports whether there is
// a next one.
func (d *decodeState) next(end byte) bool {
	d.pos = jsonx.SkipSpace(d.data, d.pos)
	switch d.peek() {
	case ',':
		d.pos = jsonx.SkipSpace(d.data, d.pos+1)
		return d.pos < len(d.data)
	case end:
		d.pos++
		return false
	}
	d.pos = len(d.data)
	return false
}

// key returns the name at the cursor and moves to its value. The name is valid until the data changes.
func (d *decodeState) key() string {
	start := d.pos
	if d.pos = jsonx.SkipString(d.data, start); d.pos >= len(d.data) {
		return ""
	}
	literal := d.data[start:d.pos]
	d.pos = jsonx.SkipSpace(d.data, d.pos)
	d.pos = jsonx.SkipSpace(d.data, min(d.pos+1, len(d.data))) // the colon
	if inner, plain := jsonx.Plain(literal); plain {
		return jsonx.ViewString(inner)
	}
	s, _ := jsonx.Unquote(literal)
	return s
}
