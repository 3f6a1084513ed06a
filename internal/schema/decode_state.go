package schema

import (
	"slices"
	"strconv"
	"sync"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
	"github.com/actionhero-go/actionhero/internal/poison"
)

const (
	// maxViolations is the maximum number of violations that a Failure lists for one request.
	maxViolations = 64
	// maxDecoded is the maximum memory, in bytes, for the lists, maps and pointers of one request, also of those within an
	// input of type any. The limit is needed because a few bytes of JSON can create a large struct.
	maxDecoded = 64 << 20
	// maxKeyShown is the maximum length, in bytes, of a client's key in an error message.
	maxKeyShown = 64
	// maxPathShown is the maximum length, in bytes, of the path of a value in an error message.
	maxPathShown = 256
)

// decodeState holds the state while one request is decoded: a cursor in the JSON, the path of the current value for
// error messages, and the faults found so far. The syntax of the JSON has already been checked.
type decodeState struct {
	data   []byte
	pos    int
	depth  int
	path   []byte
	budget int  // the remaining bytes of maxDecoded
	strict bool // members that a nested struct does not have are violations
	hidden int  // the number of secret members that enclose the current value
	fail   Failure
}

var decodeStates = sync.Pool{New: func() any { return new(decodeState) }}

func newDecodeState() *decodeState {
	d := decodeStates.Get().(*decodeState)
	d.depth, d.budget, d.hidden = 0, maxDecoded, 0
	return d
}

// finish returns the recorded faults, or nil if there are none. It also puts d back into the pool, so the caller must
// not use d afterwards.
func (d *decodeState) finish() *Failure {
	var fail *Failure
	if d.fail.Missing != "" || d.fail.Violations != nil {
		fail = &Failure{Missing: d.fail.Missing, Violations: d.fail.Violations}
	}
	d.data, d.fail = nil, Failure{}
	poison.Bytes(d.path)
	decodeStates.Put(d)
	return fail
}

// begin sets the path of d to input, the name of an input, and returns d. If d is nil, begin uses a new decodeState
// instead and returns the new one. If strict is true, the input may not have unknown members.
func (d *decodeState) begin(input string, strict bool) *decodeState {
	if d == nil {
		d = newDecodeState()
	}
	d.strict = strict
	d.path = append(d.path[:0], input...)
	return d
}

// enterKey appends a map or struct key to the path. It returns the previous length of the path; the caller later
// passes this length to the method leave.
func (d *decodeState) enterKey(key string) int {
	n := len(d.path)
	if d.hidden > 0 { // the keys of a secret map are secret, too
		key = "…"
	}
	if len(key) > maxKeyShown {
		key = key[:maxKeyShown] + "…"
	}
	d.path = append(append(d.path, '.'), key...)
	return n
}

// enterIndex appends a list index to the path. It returns the previous length of the path; the caller later
// passes this length to the method leave.
func (d *decodeState) enterIndex(i int) int {
	n := len(d.path)
	d.path = append(strconv.AppendInt(append(d.path, '['), int64(i), 10), ']')
	return n
}

// leave removes the last key or index from the path. n is the length that the call of enterKey or enterIndex returned.
func (d *decodeState) leave(n int) { d.path = d.path[:n] }

// violate records that the value at the current path breaks the rule with the given name. requirement completes the
// message "KEY must ". If maxViolations violations are already recorded, violate does nothing.
func (d *decodeState) violate(rule, requirement string) {
	if len(d.fail.Violations) >= maxViolations {
		return
	}
	path := d.path
	if len(path) > maxPathShown {
		path = append(slices.Clone(path[:maxPathShown]), "…"...)
	}
	field := validUTF8(string(path))
	d.fail.Violations = append(d.fail.Violations, Violation{Field: field, Rule: rule, Message: field + " must " + requirement})
}

func (d *decodeState) wrongType(c *typePlan) { d.violate("type", "be "+c.expected) }

// report records the violations for o, the outcome of decoding a scalar. It returns false if the value is null or
// empty, because the input then counts as not given.
func (d *decodeState) report(c *typePlan, p layout.Pointer, o outcome) bool {
	switch o {
	case isNull:
		return c.setNull(p)
	case isEmpty:
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

// check runs all checks of the plan on the decoded value at p, and records a violation for each failed check.
func (d *decodeState) check(c *typePlan, p layout.Pointer) {
	for i := range c.checks {
		if ck := &c.checks[i]; !ck.ok(p) {
			d.violate(ck.rule, ck.requirement)
		}
	}
}

// reserve subtracts n bytes from the memory budget of the request. It returns false if the budget is exceeded.
func (d *decodeState) reserve(n int) bool {
	d.budget -= n
	return d.budget >= 0
}

// descend enters one more level of nesting. It returns false if the value would nest deeper than jsonx.MaxDepth. After
// true, the caller must call ascend.
func (d *decodeState) descend() bool {
	if d.depth >= jsonx.MaxDepth {
		return false
	}
	d.depth++
	return true
}

// ascend leaves the level of nesting that descend entered.
func (d *decodeState) ascend() { d.depth-- }

// tooDeep skips the value at the cursor and records that the value is nested too deeply. It always returns false, so
// that a caller can write "return d.tooDeep()".
func (d *decodeState) tooDeep() bool {
	d.value()
	d.violateDepth()
	return false
}

func (d *decodeState) violateDepth() {
	d.violate("type", "be nested at most "+strconv.Itoa(jsonx.MaxDepth)+" levels deep")
}

// reject skips the value at the cursor and records that the value has the wrong JSON type. It always returns false, so
// that a caller can write "return d.reject(c)".
func (d *decodeState) reject(c *typePlan) bool {
	d.value()
	d.wrongType(c)
	return false
}

// rejectLarge skips the value at the cursor and records that the memory limit of the request is exceeded. It always
// returns false, so that a caller can write "return d.rejectLarge()".
func (d *decodeState) rejectLarge() bool {
	d.value()
	d.violate("type", "be a smaller value")
	return false
}

// decodeJSONIn decodes text, which must contain a JSON value that begins with the byte open, into the variable at p. It
// returns false if the text is not valid JSON of this kind, or if the plan rejects the value.
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

// decodeString decodes the JSON string at the cursor as if the client had sent its content as plain text.
func (d *decodeState) decodeString(c *typePlan, p layout.Pointer) bool {
	s, err := jsonx.Unquote(d.value())
	if err != nil || !d.descend() {
		d.wrongType(c)
		return false
	}
	ok := c.text(d, p, &Value{data: s})
	d.ascend()
	return ok
}
