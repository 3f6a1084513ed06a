package schema

import (
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// compileChecks compiles the rules r of a value of type t into checks. It returns an error if a rule does not fit the
// type, or if two rules contradict each other.
func compileChecks(t reflect.Type, own class, r rules) ([]check, error) {
	cl := ruleClass(t, own)
	var checks []check
	for _, name := range ruleNames {
		text := *r.place(name)
		if text == "" {
			continue
		}
		ck, err := compileCheck(t, cl, name, text)
		if err != nil {
			return nil, err
		}
		if ck.ok != nil {
			checks = append(checks, ck)
		}
	}
	return checks, contradiction(t, cl, r)
}

// ruleClass returns the class that decides which rules values of type t may have. If t decodes itself and the
// underlying type of t is a text or a number, ruleClass returns the class of the underlying type. Otherwise it returns
// own, the class of t.
func ruleClass(t reflect.Type, own class) class {
	if scalar, ok := scalarPlans[t.Kind()]; ok && own == classCustom && scalar.class != classBool {
		return scalar.class
	}
	return own
}

func compileCheck(t reflect.Type, cl class, name, text string) (check, error) {
	switch name {
	case "enum":
		return enumCheck(t, cl, text)
	case "minimum", "maximum":
		return boundCheck(t, cl, name, text)
	case "minLength", "maxLength":
		return lengthCheck(cl, name, text)
	case "pattern":
		return patternCheck(cl, text)
	case "format":
		return formatCheck(cl, text)
	}
	return itemsCheck(t, cl, name, text)
}

func doesNotFit(name, text, fits string) error {
	return layout.Problem("has %s:%q, which fits %s only: remove the tag or change the type of the field", name, text, fits)
}

func isNot(name, text, what string) error {
	return layout.Problem("has %s:%q, which is not %s: correct the tag", name, text, what)
}

// contradiction returns an error if two of the rules contradict each other, for example a minimum above the maximum.
func contradiction(t reflect.Type, cl class, r rules) error {
	for _, pair := range [][4]string{
		{"minLength", r.minLength, "maxLength", r.maxLength},
		{"minItems", r.minItems, "maxItems", r.maxItems},
		{"minimum", r.minimum, "maximum", r.maximum},
	} {
		if pair[1] == "" || pair[3] == "" {
			continue
		}
		low, _ := parseCount(pair[1])
		high, _ := parseCount(pair[3])
		bad := low > high
		if pair[0] == "minimum" { // the maximum itself must satisfy the minimum
			p := layout.New(t)
			ck, err := boundCheck(t, cl, "minimum", r.minimum)
			bad = err == nil && setterOf(t, cl)(p, r.maximum, fromText) == accepted && !ck.ok(p)
		}
		if bad {
			return layout.Problem("has %s:%q and %s:%q, which no value can keep both: correct one of the tags", pair[0], pair[1], pair[2], pair[3])
		}
	}
	return nil
}

// setterOf returns a setFunc that parses the text of a rule tag, such as minimum, as a value of type t.
func setterOf(t reflect.Type, cl class) setFunc {
	if cl == classDuration {
		return setDuration
	}
	return scalarPlans[t.Kind()].set
}

// number is the constraint for the Go types whose values a minimum or maximum can bound.
type number interface {
	int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | uintptr | float32 | float64
}

// bound returns the check of a minimum for values of kind T: a function that reports whether the value at p is at least
// the limit in text. If upper is true, the check is for a maximum. bound returns nil if set cannot parse text.
func bound[T number](set setFunc, text string, upper bool) func(p layout.Pointer) bool {
	var limit T
	if set(layout.To(&limit), text, fromText) != accepted {
		return nil
	}
	if upper {
		return func(p layout.Pointer) bool { return *layout.As[T](p) <= limit }
	}
	return func(p layout.Pointer) bool { return *layout.As[T](p) >= limit }
}

// oneOf returns the check of the tag enum for values of kind T: a function that reports whether the value at p is one
// of the allowed values. texts holds the allowed values as text. oneOf returns nil if set cannot parse one of these
// texts.
func oneOf[T comparable](set setFunc, texts []string) func(p layout.Pointer) bool {
	allowed := make([]T, len(texts))
	for i, text := range texts {
		if text == "" || set(layout.To(&allowed[i]), text, fromText) != accepted {
			return nil
		}
	}
	return func(p layout.Pointer) bool { return slices.Contains(allowed, *layout.As[T](p)) }
}

var bounds = map[reflect.Kind]func(set setFunc, text string, upper bool) func(layout.Pointer) bool{
	reflect.Int: bound[int], reflect.Int8: bound[int8], reflect.Int16: bound[int16], reflect.Int32: bound[int32],
	reflect.Int64: bound[int64], reflect.Uint: bound[uint], reflect.Uint8: bound[uint8], reflect.Uint16: bound[uint16],
	reflect.Uint32: bound[uint32], reflect.Uint64: bound[uint64], reflect.Uintptr: bound[uintptr],
	reflect.Float32: bound[float32], reflect.Float64: bound[float64],
}

var enums = map[reflect.Kind]func(set setFunc, texts []string) func(layout.Pointer) bool{
	reflect.String: oneOf[string], reflect.Int: oneOf[int], reflect.Int8: oneOf[int8], reflect.Int16: oneOf[int16],
	reflect.Int32: oneOf[int32], reflect.Int64: oneOf[int64], reflect.Uint: oneOf[uint], reflect.Uint8: oneOf[uint8],
	reflect.Uint16: oneOf[uint16], reflect.Uint32: oneOf[uint32], reflect.Uint64: oneOf[uint64],
	reflect.Uintptr: oneOf[uintptr], reflect.Float32: oneOf[float32], reflect.Float64: oneOf[float64],
}

func boundCheck(t reflect.Type, cl class, name, text string) (check, error) {
	if cl != classInt && cl != classUint && cl != classFloat && cl != classDuration {
		return check{}, doesNotFit(name, text, "numbers and durations")
	}
	ok := bounds[t.Kind()](setterOf(t, cl), text, name == "maximum")
	if ok == nil {
		return check{}, isNot(name, text, "a value of its type")
	}
	requirement := "be at least " + text
	if name == "maximum" {
		requirement = "be at most " + text
	}
	return check{rule: name, requirement: requirement, ok: ok}, nil
}

func enumCheck(t reflect.Type, cl class, text string) (check, error) {
	if cl != classText && cl != classInt && cl != classUint && cl != classFloat && cl != classDuration {
		return check{}, doesNotFit("enum", text, "text, numbers and durations")
	}
	texts := splitList(text)
	ok := enums[t.Kind()](setterOf(t, cl), texts)
	if ok == nil {
		return check{}, isNot("enum", text, "a list of values of its type, separated by commas")
	}
	return check{rule: "enum", requirement: "be one of " + strings.Join(texts, ", "), ok: ok}, nil
}

func lengthCheck(cl class, name, text string) (check, error) {
	if cl != classText {
		return check{}, doesNotFit(name, text, "text")
	}
	n, valid := parseCount(text)
	if !valid {
		return check{}, isNot(name, text, "a number of characters")
	}
	if name == "minLength" {
		return check{rule: name, requirement: "be at least " + plural(n, "character") + " long", ok: func(p layout.Pointer) bool {
			return utf8.RuneCountInString(*layout.As[string](p)) >= n
		}}, nil
	}
	return check{rule: name, requirement: "be at most " + plural(n, "character") + " long", ok: func(p layout.Pointer) bool {
		s := *layout.As[string](p)
		return len(s) <= n || utf8.RuneCountInString(s) <= n
	}}, nil
}

func patternCheck(cl class, text string) (check, error) {
	if cl != classText {
		return check{}, doesNotFit("pattern", text, "text")
	}
	shared, known := sharedPatterns.Load(text)
	if !known {
		if _, err := syntax.Parse(text, syntax.Perl); err != nil {
			return check{}, isNot("pattern", text, "a regular expression as package regexp knows them ("+err.Error()+")")
		}
		shared, _ = sharedPatterns.LoadOrStore(text, &pattern{text: text})
	}
	re := shared.(*pattern)
	return check{rule: "pattern", requirement: "match the pattern " + text, ok: func(p layout.Pointer) bool {
		return re.matches(*layout.As[string](p))
	}}, nil
}

// pattern is a regular expression that compiles when it is used for the first time. All inputs with the same tag share it.
type pattern struct {
	text string
	once sync.Once
	re   *regexp.Regexp
}

// sharedPatterns maps the texts of the tags to their patterns.
var sharedPatterns sync.Map // string → *pattern

func (c *pattern) matches(s string) bool {
	c.once.Do(func() { c.re = regexp.MustCompile(c.text) })
	return c.re.MatchString(s)
}

// formatCheck returns the check for the tag format with the value text. For a type that decodes itself, the format is
// documentation only, and the returned check is empty.
func formatCheck(cl class, text string) (check, error) {
	f, known := formats[text]
	switch {
	case !known:
		return check{}, isNot("format", text, "one of "+strings.Join(formatNames(), ", "))
	case cl == classCustom, cl == classTime && text == "date-time":
		return check{}, nil
	case cl != classText:
		return check{}, doesNotFit("format", text, "text")
	}
	return check{rule: "format", requirement: "be " + f.expected, ok: func(p layout.Pointer) bool { return f.ok(*layout.As[string](p)) }}, nil
}

func itemsCheck(t reflect.Type, cl class, name, text string) (check, error) {
	n, valid := parseCount(text)
	if !valid {
		return check{}, isNot(name, text, "a number of elements")
	}
	kind, unit := "a list", "item"
	switch cl {
	case classList, classFiles:
	case classMap:
		kind, unit = "an object", "member"
	default:
		return check{}, doesNotFit(name, text, "lists and maps")
	}
	if name == "minItems" {
		return check{rule: name, requirement: "be " + kind + " of at least " + plural(n, unit), ok: func(p layout.Pointer) bool { return p.Value(t).Len() >= n }}, nil
	}
	return check{rule: name, requirement: "be " + kind + " of at most " + plural(n, unit), ok: func(p layout.Pointer) bool { return p.Value(t).Len() <= n }}, nil
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}
