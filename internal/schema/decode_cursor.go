package schema

import "github.com/actionhero-go/actionhero/internal/jsonx"

// peek returns the byte at the cursor, or 0 if the cursor is at the end of the data.
func (d *decodeState) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// value returns the JSON value at the cursor and moves the cursor behind the value.
func (d *decodeState) value() []byte {
	start := d.pos
	d.pos = jsonx.SkipValue(d.data, start)
	return d.data[start:d.pos:d.pos]
}

// open moves the cursor from an opening bracket to the first element or member name and returns true. If the array or
// object is empty, open moves the cursor behind the closing bracket and returns false. The argument end is the closing
// bracket. If the data is not valid JSON, open and next stop at the end of the data.
func (d *decodeState) open(end byte) bool {
	d.pos = jsonx.SkipSpace(d.data, d.pos+1)
	if d.peek() == end {
		d.pos++
		return false
	}
	return d.pos < len(d.data)
}

// next moves the cursor from the end of a value to the next element or member name and returns true. After the last
// value, next moves the cursor behind the closing bracket and returns false. The argument end is the closing bracket.
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

// key returns the member name at the cursor and moves the cursor to the value of the member. The returned string may
// share the bytes of d.data: the string is valid until these bytes change.
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
