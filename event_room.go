package actionhero

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// roomPattern is the parsed [Event.Room]: a text between each two names, one before the first name and one after the last.
type roomPattern struct {
	text     string
	literals []string
	names    []string
}

var (
	roomParam     = regexp.MustCompile(`\{([^{}]*)\}`)
	roomParamName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func parseRoomPattern(text string) (p roomPattern, err error) {
	fail := func(format string, args ...any) (roomPattern, error) {
		return roomPattern{}, fmt.Errorf("its Room %q "+format+`: write it like "lobby" or "ticket:{id}"`, append([]any{text}, args...)...)
	}
	if text == "" || len(text) > MaxRoomName || !utf8.ValidString(text) {
		return fail("is not a name of 1 to %d bytes", MaxRoomName)
	}
	p.text = text
	end := 0
	for _, at := range roomParam.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		switch {
		case !roomParamName.MatchString(name):
			return fail("has {%s}, whose name is not of letters, digits and _", name)
		case slices.Contains(p.names, name):
			return fail("has {%s} twice", name)
		case end > 0 && at[0] == end:
			return fail("has {%s} right after another name", name)
		}
		p.literals, p.names = append(p.literals, text[end:at[0]]), append(p.names, name)
		end = at[1]
	}
	p.literals = append(p.literals, text[end:])
	for _, literal := range p.literals {
		if strings.ContainsAny(literal, "{}*") {
			return fail("has one of { } * outside a {name}")
		}
	}
	return p, nil
}

// matches reports whether the room is one of the pattern. Each name stands for one byte or more.
func (p *roomPattern) matches(room string) bool {
	if len(p.names) == 0 {
		return room == p.text
	}
	first, last := p.literals[0], p.literals[len(p.names)]
	if len(room) < len(first)+len(last) || !strings.HasPrefix(room, first) || !strings.HasSuffix(room, last) {
		return false
	}
	room = room[len(first) : len(room)-len(last)]
	for _, literal := range p.literals[1:len(p.names)] { // the earliest place of each leaves most for the others
		if room == "" {
			return false
		}
		i := strings.Index(room[1:], literal)
		if i < 0 {
			return false
		}
		room = room[1+i+len(literal):]
	}
	return room != ""
}

// isPrefixOf reports whether a room of a [RoomAccess] with "*" at its end holds for all rooms that begin with the text.
func isPrefixOf(room, text string) bool {
	beginning, ok := strings.CutSuffix(room, "*")
	return ok && strings.HasPrefix(text, beginning)
}
