package jsonx

import "strconv"

// SyntaxError says where and why a text is not the JSON that is expected.
type SyntaxError struct {
	Offset  int    // bytes from the start of the text
	Message string // what is wrong there
}

// Error returns a sentence such as "malformed JSON at offset 17: a comma or } is missing".
func (e *SyntaxError) Error() string {
	return "malformed JSON at offset " + strconv.Itoa(e.Offset) + ": " + e.Message
}

// fault is what the scanner finds wrong; it becomes a sentence only when somebody reads it.
type fault uint8

const (
	noFault fault = iota
	endsEarly
	wantsObject
	wantsValue
	wantsName
	wantsColon
	wantsCommaOrBrace
	wantsCommaOrBracket
	badLiteral
	badNumber
	badControl
	badEscape
	openString
	tooDeep
	trailing
	wantsString
)

var faultText = [...]string{
	endsEarly:           "it ends too early",
	wantsObject:         "an object is expected",
	wantsValue:          "a value is expected",
	wantsName:           "a member name in quotes is expected",
	wantsColon:          "a colon is missing",
	wantsCommaOrBrace:   "a comma or } is missing",
	wantsCommaOrBracket: "a comma or ] is missing",
	badLiteral:          "only true, false and null may stand without quotes",
	badNumber:           "a number is not written as JSON wants it",
	badControl:          "a control character in a string must be escaped",
	badEscape:           "an escape sequence is not valid",
	openString:          "a string is not closed",
	tooDeep:             "nested deeper than " + strconv.Itoa(MaxDepth) + " levels",
	trailing:            "something follows the value",
	wantsString:         "a string is expected",
}

func (f fault) at(offset int) error {
	return &SyntaxError{Offset: offset, Message: faultText[f]}
}
