package schema

import (
	"strconv"
	"sync"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

const (
	// maxViolations bounds the violations that are reported for one request.
	maxViolations = 64
	// maxDecoded bounds the memory, in bytes, of the elements of all lists and maps of one request: a few bytes of JSON
	// can create a large struct each.
	maxDecoded = 64 << 20
	// maxKeyShown bounds the part of a client's key that a message repeats, in bytes.
	maxKeyShown = 64
)

// decodeState is the state of decoding one request: a cursor in checked JSON, the path of the current value, and the
// faults found so far.
type decodeState struct {
	data   []byte
	pos    int
	depth  int
	path   []byte
	budget int // bytes left of maxDecoded
	fail   Failure
}

var decodeStates = sync.Pool{New: func() any { return new(decodeState) }}

func newDecodeState() *decodeState {
	d := decodeStates.Get().(*decodeState)
	d.depth, d.budget = 0, maxDecoded
	return d
}

// finish returns the faults, nil if there are none. d must not be used afterwards.
func (d *decodeState) finish() *Failure {
	var fail *Failure
	if d.fail.Missing != "" || d.fail.Violations != nil {
		fail = &Failure{Missing: d.fail.Missing, Violations: d.fail.Violations}
	}
	d.data, d.fail = nil, Failure{}
	decodeStates.Put(d)
	return fail
}

// begin returns the state to decode an input: d, or a new one if d is nil.
func (d *decodeState) begin(input string) *decodeState {
	if d == nil {
		d = newDecodeState()
	}
	d.path = append(d.path[:0], input...)
	return d
}

// enterKey adds a key to the path. It returns the argument for leave.
func (d *decodeState) enterKey(key string) int {
	n := len(d.path)
	if len(key) > maxKeyShown {
		key = key[:maxKeyShown] + "…"
	}
	d.path = append(append(d.path, '.'), key...)
	return n
}

// enterIndex adds an index to the path. It returns the argument for leave.
func (d *decodeState) enterIndex(i int) int {
	n := len(d.path)
	d.path = append(strconv.AppendInt(append(d.path, '['), int64(i), 10), ']')
	return n
}

func (d *decodeState) leave(n int) { d.path = d.path[:n] }

// violate records that the value at the path breaks a rule.
func (d *decodeState) violate(rule, requirement string) {
	if len(d.fail.Violations) >= maxViolations {
		return
	}
	field := validUTF8(string(d.path))
	d.fail.Violations = append(d.fail.Violations, Violation{Field: field, Rule: rule, Message: field + " must " + requirement})
}

func (d *decodeState) wrongType(c *typePlan) { d.violate("type", "be "+c.expected) }

// report records the violations of a scalar. It reports whether the value is given.
func (d *decodeState) report(c *typePlan, p layout.Pointer, o outcome) bool {
	switch o {
	case isNull, isEmpty:
		return false
	case wrongType:
		d.wrongType(c)
	case outOfRange:
		d.violate("type", "be "+c.expectedRange)
	case ruleViolated:
		d.check(c, p)
	}
	return true
}

// check runs all checks of a decoded value.
func (d *decodeState) check(c *typePlan, p layout.Pointer) {
	for i := range c.checks {
		if ck := &c.checks[i]; !ck.ok(p) {
			d.violate(ck.rule, ck.requirement)
		}
	}
}

// reserve takes n bytes from the budget and reports whether they were left.
func (d *decodeState) reserve(n int) bool {
	d.budget -= n
	return d.budget >= 0
}

// descend reports whether one more level of nesting is allowed. If so, ascend must follow.
func (d *decodeState) descend() bool {
	if d.depth >= jsonx.MaxDepth {
		return false
	}
	d.depth++
	return true
}

func (d *decodeState) ascend() { d.depth-- }

// tooDeep skips the value at the cursor because descend returned false. It returns false.
func (d *decodeState) tooDeep() bool {
	d.value()
	d.violate("type", "be nested at most "+strconv.Itoa(jsonx.MaxDepth)+" levels deep")
	return false
}

// reject skips the value at the cursor because the plan expects another JSON type. It returns false.
func (d *decodeState) reject(c *typePlan) bool {
	d.value()
	d.wrongType(c)
	return false
}

// decodeJSONIn decodes JSON that is the content of a text and must begin with open.
func (d *decodeState) decodeJSONIn(text string, c *typePlan, p layout.Pointer, open byte) bool {
	raw := trim(jsonx.ViewBytes(text))
	if len(raw) == 0 || raw[0] != open || jsonx.Valid(raw) != nil || !d.descend() {
		d.wrongType(c)
		return false
	}
	data, pos := d.data, d.pos
	d.data, d.pos = raw, 0
	ok := c.json(d, p)
	d.data, d.pos = data, pos
	d.ascend()
	return ok
}

// decodeString decodes the content of the JSON string at the cursor as text.
func (d *decodeState) decodeString(c *typePlan, p layout.Pointer) bool {
	s, err := jsonx.Unquote(d.value())
	if err != nil || !d.descend() {
		d.wrongType(c)
		return false
	}
	ok := c.text(d, p, &Value{Text: s})
	d.ascend()
	return ok
}
