// Package logstyle has the styles of log messages. A style is an attribute of a record. The handler for terminals looks
// for it with [Of]; every other handler leaves it out, because it resolves to an empty group.
package logstyle

import (
	"log/slog"
	"slices"
	"strconv"
)

// Style is a set of style names: a bit for each.
type Style uint32

// names are the names of all styles, in the order of their bits, with their codes in an escape sequence for terminals
// (ECMA-48, SGR).
var names = []struct {
	name string
	code int
}{
	{"bold", 1}, {"dim", 2}, {"italic", 3}, {"underline", 4}, {"inverse", 7}, {"strikethrough", 9},
	{"black", 30}, {"red", 31}, {"green", 32}, {"yellow", 33}, {"blue", 34}, {"magenta", 35}, {"cyan", 36}, {"white", 37}, {"gray", 90}, {"grey", 90},
}

// Names returns the names of all styles.
func Names() (all []string) {
	for _, n := range names {
		all = append(all, n.name)
	}
	return all
}

// Named returns the style with this name.
func Named(name string) (s Style, ok bool) {
	for i := range names {
		if names[i].name == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// LogValue implements [slog.LogValuer]. Handlers leave out an empty group.
func (Style) LogValue() slog.Value { return slog.GroupValue() }

// Of returns the style that an attribute is. It allocates nothing.
func Of(a slog.Attr) (s Style, ok bool) {
	if a.Value.Kind() != slog.KindLogValuer {
		return 0, false
	}
	s, ok = a.Value.Any().(Style)
	return s, ok
}

// AppendBegin appends the escape sequence that begins the style. The caller ends it with the sequence of all styles.
func (s Style) AppendBegin(b []byte) []byte {
	b = append(b, '\x1b', '[')
	for i := range names {
		if s&(1<<i) != 0 {
			b = append(strconv.AppendInt(b, int64(names[i].code), 10), ';')
		}
	}
	return append(slices.Delete(b, len(b)-1, len(b)), 'm')
}
