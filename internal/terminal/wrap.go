package terminal

import (
	"strings"
	"unicode/utf8"
)

// minWrap is the least width in which Wrap breaks lines. Less is no use for a text.
const minWrap = 20

// Wrap breaks text at spaces so that no line has more than width columns, as far as the lengths of the words allow. Each
// line but the first begins with indent spaces, and first columns of the first line are taken. With a width of 0, Wrap
// returns text unchanged.
func Wrap(text string, width, first, indent int) string {
	if width-indent < minWrap {
		return text
	}
	var b strings.Builder
	column := first
	for i, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+length > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}
