package schema

import (
	"strconv"
	"sync"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

const (
	// maxViolations is how many violations one request is told about.
	maxViolations = 64
	// maxDecoded bounds the memory, in bytes, that the elements of all lists and maps of one request may take: a few
	// bytes of JSON can ask for a large struct each.
	maxDecoded = 64 << 20
	// maxKeyShown is how much of a key that the client chose a message repeats, in bytes.
	maxKeyShown = 64
)

// decoder is the state of decoding one request: a cursor in checked JSON, where it is, and what went wrong so far.
type decoder struct {
	data   []byte
	pos    int
	depth  int
	path   []byte
	budget int
	fail   Failure
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func newDecoder() *decoder {
	d := decoders.Get().(*decoder)
	d.depth, d.budget = 0, maxDecoded
	return d
}

// finish gives the decoder back and returns what went wrong, nil if nothing did.
func (d *decoder) finish() *Failure {
	var fail *Failure
	if d.fail.Missing != "" || d.fail.Violations != nil {
		fail = &Failure{Missing: d.fail.Missing, Violations: d.fail.Violations}
	}
	d.data, d.fail = nil, Failure{}
	decoders.Put(d)
	return fail
}

// at sets the path to an input.
func (d *decoder) at(name string) { d.path = append(d.path[:0], name...) }

// enterKey goes into a member and returns what leave takes to come back.
func (d *decoder) enterKey(key string) int {
	n := len(d.path)
	if len(key) > maxKeyShown {
		key = key[:maxKeyShown] + "…"
	}
	d.path = append(append(d.path, '.'), key...)
	return n
}

func (d *decoder) enterIndex(i int) int {
	n := len(d.path)
	d.path = append(strconv.AppendInt(append(d.path, '['), int64(i), 10), ']')
	return n
}

func (d *decoder) leave(n int) { d.path = d.path[:n] }

// violate records that what is at the path must be otherwise.
func (d *decoder) violate(rule, must string) {
	if len(d.fail.Violations) >= maxViolations {
		return
	}
	field := validUTF8(string(d.path))
	d.fail.Violations = append(d.fail.Violations, Violation{Field: field, Rule: rule, Message: field + " must " + must})
}

func (d *decoder) wrongType(c *codec) { d.violate("type", "be "+c.wants) }

// judge turns the verdict on a scalar into violations. It reports whether the value was given.
func (d *decoder) judge(c *codec, p unsafe.Pointer, v verdict) bool {
	switch v {
	case notGiven, empty:
		return false
	case wrongType:
		d.wrongType(c)
	case outOfRange:
		d.violate("type", "be "+c.ranges)
	case ruleViolated:
		d.check(c, p)
	}
	return true
}

// check runs all checks of a decoded value.
func (d *decoder) check(c *codec, p unsafe.Pointer) {
	for i := range c.checks {
		if ck := &c.checks[i]; !ck.ok(p) {
			d.violate(ck.rule, ck.must)
		}
	}
}

// peek returns the byte at the cursor, 0 at the end.
func (d *decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// value returns the value at the cursor and goes behind it.
func (d *decoder) value() []byte {
	start := d.pos
	d.pos = jsonx.SkipValue(d.data, start)
	return d.data[start:d.pos:d.pos]
}

// open goes into the array or object at the cursor, to its first value or name. It reports whether there is one. Inside
// of what is not JSON it ends at the end of the data, as next does.
func (d *decoder) open(end byte) bool {
	d.pos = jsonx.SkipSpace(d.data, d.pos+1)
	if d.peek() == end {
		d.pos++
		return false
	}
	return d.pos < len(d.data)
}

// next goes from behind a value to the next one or to the next name, or out of the array or object.
func (d *decoder) next(end byte) bool {
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

// key returns the name at the cursor, which is good until the data changes, and goes to its value.
func (d *decoder) key() string {
	start := d.pos
	if d.pos = jsonx.SkipString(d.data, start); d.pos >= len(d.data) {
		return ""
	}
	literal := d.data[start:d.pos]
	d.pos = jsonx.SkipSpace(d.data, d.pos)
	d.pos = jsonx.SkipSpace(d.data, min(d.pos+1, len(d.data))) // the colon
	if inner, plain := jsonx.Plain(literal); plain {
		return view(inner)
	}
	s, _ := jsonx.Unquote(literal)
	return s
}

// spend takes n bytes off the budget and reports whether it had them.
func (d *decoder) spend(n int) bool {
	d.budget -= n
	return d.budget >= 0
}

// deeper reports whether one more level is allowed; surface undoes it.
func (d *decoder) deeper() bool {
	if d.depth >= jsonx.MaxDepth {
		return false
	}
	d.depth++
	return true
}

func (d *decoder) surface() { d.depth-- }

// tooDeep is what to do with the value at the cursor when deeper says no.
func (d *decoder) tooDeep() bool {
	d.value()
	d.violate("type", "be nested at most "+strconv.Itoa(jsonx.MaxDepth)+" levels deep")
	return false
}

// refuse skips the value at the cursor because it is not what c wants.
func (d *decoder) refuse(c *codec) bool {
	d.value()
	d.wrongType(c)
	return false
}

// within decodes JSON that was written into a text and must begin with open.
func (d *decoder) within(text string, c *codec, p unsafe.Pointer, open byte) bool {
	raw := trim(bytesOf(text))
	if len(raw) == 0 || raw[0] != open || jsonx.Valid(raw) != nil || !d.deeper() {
		d.wrongType(c)
		return false
	}
	data, pos := d.data, d.pos
	d.data, d.pos = raw, 0
	ok := c.json(d, p)
	d.data, d.pos = data, pos
	d.surface()
	return ok
}

// asText decodes the JSON string at the cursor as the text in it.
func (d *decoder) asText(c *codec, p unsafe.Pointer) bool {
	s, err := jsonx.Unquote(d.value())
	if err != nil || !d.deeper() {
		d.wrongType(c)
		return false
	}
	ok := c.text(d, p, &Value{Text: s})
	d.surface()
	return ok
}
