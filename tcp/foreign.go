package tcp

import (
	"bytes"
	"strings"
)

// isHTTP reports whether a line is the first line or a header of an HTTP request. A browser can be made to send HTTP to
// any port, with lines of an attacker in the body. The first word of the line is word, and rest is the text after it.
func isHTTP(word, rest string) bool {
	if last := rest[strings.LastIndexByte(rest, ' ')+1:]; strings.HasPrefix(last, "HTTP/") {
		return true
	}
	switch word {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PRI":
		return rest != ""
	}
	return len(word) > 1 && word[len(word)-1] == ':' && strings.Trim(word[:len(word)-1], headerLetters) == ""
}

const headerLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

// Bytes of Telnet (RFC 854). None of them occurs in UTF-8.
const (
	telnetIAC  = 0xFF // begins each command
	telnetDont = 0xFE
	telnetWill = 0xFB // WILL, WONT, DO and DONT have one option byte
	telnetSB   = 0xFA // begins a negotiation, which SE ends
	telnetIP   = 0xF4 // the user interrupts: Ctrl-C
	telnetSE   = 0xF0
	telnetEOF  = 0xEC // the first of the commands
)

// endOfTransmission is the byte that a terminal sends for Ctrl-D.
const endOfTransmission = 0x04

// interrupted reports whether the user of a terminal wants the connection to end: the bytes p, a line or the beginning of a
// line, contain Telnet's interrupt, or begin with Ctrl-D. If p is not a whole line, a Ctrl-D at its end counts too.
func interrupted(p []byte, whole bool) bool {
	if p[0] == endOfTransmission || !whole && p[len(p)-1] == endOfTransmission {
		return true
	}
	for i := bytes.IndexByte(p, telnetIAC); i >= 0 && i+1 < len(p); {
		if p[i+1] == telnetIP || p[i+1] == telnetEOF {
			return true
		}
		next := bytes.IndexByte(p[i+2:], telnetIAC)
		if next < 0 {
			return false
		}
		i += 2 + next
	}
	return false
}

// withoutTelnet removes Telnet's commands from p, in place, and returns the rest. An incomplete command at the end of p
// stays if p is not a whole line, because its end may still come.
func withoutTelnet(p []byte, whole bool) []byte {
	text := p[:0]
	for len(p) > 0 {
		i := bytes.IndexByte(p, telnetIAC)
		if i < 0 {
			i = len(p)
		}
		text, p = append(text, p[:i]...), p[i:]
		if len(p) == 0 {
			break
		}
		if len(p) > 1 && p[1] < telnetEOF { // no command of Telnet: text that is not UTF-8
			text, p = append(text, p[0]), p[1:]
			continue
		}
		n := telnetCommand(p)
		if n == 0 && !whole {
			return append(text, p...)
		} else if n == 0 {
			n = len(p)
		}
		p = p[n:]
	}
	return text
}

// telnetCommand returns the length of the Telnet command at the beginning of p, or 0 if the command is incomplete.
func telnetCommand(p []byte) int {
	switch {
	case len(p) < 2:
		return 0
	case p[1] >= telnetWill && p[1] <= telnetDont:
		if len(p) < 3 {
			return 0
		}
		return 3
	case p[1] == telnetSB:
		end := bytes.Index(p, []byte{telnetIAC, telnetSE})
		if end < 0 {
			return 0
		}
		return end + 2
	}
	return 2
}
