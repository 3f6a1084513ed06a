package cli

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"
)

// The colours of JSON: keys, texts, and numbers with true, false and null.
const (
	keyColor    = "\x1b[36m"
	textColor   = "\x1b[32m"
	numberColor = "\x1b[33m"
	resetColor  = "\x1b[0m"
)

// paintJSON prepares valid JSON for a terminal: an invisible character of a text becomes an escape sequence of JSON, so
// that the text stays the same value and cannot control the terminal. With colored, it adds colours.
func paintJSON(raw []byte, colored bool) []byte {
	var out bytes.Buffer
	paint := func(color string, token []byte) {
		if colored {
			out.WriteString(color)
		}
		out.WriteString(escapeInvisible(string(token)))
		if colored {
			out.WriteString(resetColor)
		}
	}
	for len(raw) > 0 {
		n := 1
		switch c := raw[0]; {
		case c == '"':
			n = textLength(raw)
			color := textColor
			if bytes.HasPrefix(bytes.TrimLeft(raw[n:], " \n\t\r"), []byte(":")) {
				color = keyColor
			}
			paint(color, raw[:n])
		case strings.IndexByte(" \n{}[]:,", c) >= 0:
			out.WriteByte(c)
		case c == '\t' || c == '\r': // space between tokens, which means nothing to JSON, but moves the cursor of a terminal
		default:
			if n = bytes.IndexAny(raw, " \n\t\r{}[]:,\""); n < 0 {
				n = len(raw)
			}
			paint(numberColor, raw[:n])
		}
		raw = raw[n:]
	}
	return out.Bytes()
}

// textLength returns the length of the JSON string at the beginning of raw, with its quotes.
func textLength(raw []byte) int {
	for i := 1; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

// escapeInvisible replaces invisible characters by the escape sequences of JSON.
func escapeInvisible(text string) string {
	if !strings.ContainsFunc(text, isInvisible) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch high, low := utf16.EncodeRune(r); {
		case !isInvisible(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
