package jsonx

import "strconv"

// SyntaxError reports the first position at which a text is not the expected JSON, and the reason.
type SyntaxError struct {
	Offset  int    // bytes from the start of the text
	Message string // the reason, as a clause such as "a comma or } is missing"
}

// Error returns a sentence such as "malformed JSON at offset 17: a comma or } is missing".
func (e *SyntaxError) Error() string {
	return "malformed JSON at offset " + strconv.Itoa(e.Offset) + ": " + e.Message
}

// fault is the reason for which the scanner rejects a text. Only fault.at turns a fault into a message, so that
// scanning does not allocate.
type fault uint8

const (
	noFault fault = iota
	endsEarly
	expectedObject
	expectedValue
	expectedName
	expectedColon
	expectedCommaOrBrace
	expectedCommaOrBracket
	badLiteral
	badNumber
	badControl
	badEscape
	openString
	tooDeep
	trailing
	expectedString
)

var faultText = [...]string{
	endsEarly:              "it ends too early",
	expectedObject:         "an object is expected",
	expectedValue:          "a value is expected",
	expectedName:           "a member name in quotes is expected",
	expectedColon:          "a colon is missing",
	expectedCommaOrBrace:   "a comma or } is missing",
	expectedCommaOrBracket: "a comma or ] is missing",
	badLiteral:             "only true, false and null may stand without quotes",
	badNumber:              "a number is not written as JSON wants it",
	badControl:             "a control character in a string must be escaped",
	badEscape:              "an escape sequence is not valid",
	openString:             "a string is not closed",
	tooDeep:                "nested deeper than " + strconv.Itoa(MaxDepth) + " levels",
	trailing:               "something follows the value",
	expectedString:         "a string is expected",
}

func (f fault) at(offset int) error {
	return &SyntaxError{Offset: offset, Message: faultText[f]}
}
