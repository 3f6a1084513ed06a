package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parser reads lines into one Event, whose slices it uses again. It keeps one copy of each text.
type parser struct {
	texts map[string]string
}

func newParser() *parser { return &parser{texts: map[string]string{}} }

// parse reads one line without its end into e. It fails for each field that it does not know, because a skipped field
// could hide a violation.
func (p *parser) parse(line string, e *Event) error {
	numbers, ids, names := e.Numbers[:0], e.IDs[:0], e.Names[:0]
	*e = Event{Proc: e.Proc, Line: e.Line, Numbers: numbers, IDs: ids, Names: names}
	at, rest, _ := strings.Cut(line, " ")
	inc, rest, _ := strings.Cut(rest, " ")
	kind, rest, more := strings.Cut(rest, " ")
	ns, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("the time %q is no number", at)
	}
	e.At = time.Duration(ns)
	if e.Inc, err = strconv.ParseUint(inc, 16, 64); err != nil {
		return fmt.Errorf("the incarnation %q is no hexadecimal number", inc)
	}
	if e.Kind = kindsByName[kind]; e.Kind == 0 {
		return fmt.Errorf("there is no kind %q of events", kind)
	}
	for more {
		var field string
		field, rest, more = strings.Cut(rest, " ")
		key, value, _ := strings.Cut(field, "=")
		if err := p.field(e, key, value); err != nil {
			return fmt.Errorf("field %q: %w", field, err)
		}
	}
	return nil
}

func (p *parser) field(e *Event, key, value string) (err error) {
	if to := e.unsigned(key); to != nil {
		*to, err = strconv.ParseUint(value, 10, 64)
		return err
	}
	switch key {
	case "t":
		e.Time, err = strconv.ParseInt(value, 10, 64)
	case "k":
		e.Count, err = strconv.ParseInt(value, 10, 64)
	case "a":
		e.Subject, err = p.text(value)
	case "b":
		e.Object, err = p.text(value)
	case "o":
		e.Outcome = Outcome(find(outcomeNames[:], value))
	case "r":
		e.Result = Result(find(resultNames[:], value))
	case "ns":
		e.Numbers, err = parseList(e.Numbers, value)
	case "ids":
		e.IDs, err = parseList(e.IDs, value)
	case "m":
		var name string
		name, err = p.text(value)
		e.Names = append(e.Names, name)
	default:
		return fmt.Errorf("the key is unknown")
	}
	if err == nil && (key == "o" && e.Outcome == 0 || key == "r" && e.Result == 0) {
		return fmt.Errorf("the value is unknown")
	}
	return err
}

func (e *Event) unsigned(key string) *uint64 {
	switch key {
	case "c":
		return &e.Call
	case "n":
		return &e.Number
	case "id":
		return &e.ID
	case "f":
		return &e.Fence
	case "e":
		return &e.Epoch
	case "s":
		return &e.Seq
	}
	return nil
}

func (p *parser) text(value string) (string, error) {
	if t, ok := p.texts[value]; ok {
		return t, nil
	}
	t, err := unescape(value)
	if err == nil {
		t = strings.Clone(t)
		p.texts[strings.Clone(value)] = t
	}
	return t, err
}

func parseList(list []uint64, value string) ([]uint64, error) {
	for more := true; more; {
		var item string
		item, value, more = strings.Cut(value, ",")
		v, err := strconv.ParseUint(item, 10, 64)
		if err != nil {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
}

var kindsByName = func() map[string]Kind {
	byName := map[string]Kind{}
	for k := KindProcess; k < kinds; k++ {
		byName[kindNames[k]] = k
	}
	return byName
}()

// find returns the index of name, or 0, which stands for no name.
func find(names []string, name string) int {
	for i, n := range names {
		if i > 0 && n == name {
			return i
		}
	}
	return 0
}
