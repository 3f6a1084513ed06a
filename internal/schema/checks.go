package schema

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// compileChecks compiles the rules of a value of type t. A rule that does not fit is an error.
func compileChecks(t reflect.Type, own class, r rules) ([]check, error) {
	cl := ruleClass(t, own)
	var checks []check
	for _, rule := range r.each() {
		if *rule.text == "" {
			continue
		}
		made, err := compileCheck(t, cl, rule.name, *rule.text)
		if err != nil {
			return nil, err
		}
		if made.ok != nil {
			checks = append(checks, made)
		}
	}
	return checks, contradiction(t, cl, r)
}

// ruleClass is the class whose rules a type takes: a type that decodes itself takes those of what it is made of.
func ruleClass(t reflect.Type, own class) class {
	if scalar, ok := scalarCodecs[t.Kind()]; ok && own == classCustom && scalar.class != classBool {
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
	return itemsCheck(cl, name, text)
}

func misfit(name, text, fits string) error {
	return wrong("has %s:%q, which fits %s only: remove the tag or change the type of the field", name, text, fits)
}

func notA(name, text, what string) error {
	return wrong("has %s:%q, which is not %s: correct the tag", name, text, what)
}

// contradiction tells of two rules that no value can keep both.
func contradiction(t reflect.Type, cl class, r rules) error {
	for _, pair := range [][4]string{
		{"minLength", r.minLength, "maxLength", r.maxLength},
		{"minItems", r.minItems, "maxItems", r.maxItems},
		{"minimum", r.minimum, "maximum", r.maximum},
	} {
		if pair[1] == "" || pair[3] == "" {
			continue
		}
		low, _ := count(pair[1])
		high, _ := count(pair[3])
		bad := low > high
		if pair[0] == "minimum" { // the maximum itself is a value that must keep to the minimum
			p := reflect.New(t).UnsafePointer()
			ck, err := boundCheck(t, cl, "minimum", r.minimum)
			bad = err == nil && setterOf(t, cl)(p, r.maximum, fromText) == good && !ck.ok(p)
		}
		if bad {
			return wrong("has %s:%q and %s:%q, which no value can keep both: correct one of the tags", pair[0], pair[1], pair[2], pair[3])
		}
	}
	return nil
}

// setterOf returns how to read the text of a rule as a value of type t.
func setterOf(t reflect.Type, cl class) setFunc {
	if cl == classDuration {
		return setDuration
	}
	return scalarCodecs[t.Kind()].set
}

// number is the kinds that have an order.
type number interface {
	int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | uintptr | float32 | float64
}

// bound compiles a limit for values of kind T.
func bound[T number](set setFunc, text string, upper bool) func(p unsafe.Pointer) bool {
	var limit T
	if set(unsafe.Pointer(&limit), text, fromText) != good {
		return nil
	}
	if upper {
		return func(p unsafe.Pointer) bool { return *(*T)(p) <= limit }
	}
	return func(p unsafe.Pointer) bool { return *(*T)(p) >= limit }
}

// oneOf compiles a list of allowed values of kind T.
func oneOf[T comparable](set setFunc, texts []string) func(p unsafe.Pointer) bool {
	allowed := make([]T, len(texts))
	for i, text := range texts {
		if text == "" || set(unsafe.Pointer(&allowed[i]), text, fromText) != good {
			return nil
		}
	}
	return func(p unsafe.Pointer) bool { return slices.Contains(allowed, *(*T)(p)) }
}

var bounds = map[reflect.Kind]func(set setFunc, text string, upper bool) func(unsafe.Pointer) bool{
	reflect.Int: bound[int], reflect.Int8: bound[int8], reflect.Int16: bound[int16], reflect.Int32: bound[int32],
	reflect.Int64: bound[int64], reflect.Uint: bound[uint], reflect.Uint8: bound[uint8], reflect.Uint16: bound[uint16],
	reflect.Uint32: bound[uint32], reflect.Uint64: bound[uint64], reflect.Uintptr: bound[uintptr],
	reflect.Float32: bound[float32], reflect.Float64: bound[float64],
}

var enums = map[reflect.Kind]func(set setFunc, texts []string) func(unsafe.Pointer) bool{
	reflect.String: oneOf[string], reflect.Int: oneOf[int], reflect.Int8: oneOf[int8], reflect.Int16: oneOf[int16],
	reflect.Int32: oneOf[int32], reflect.Int64: oneOf[int64], reflect.Uint: oneOf[uint], reflect.Uint8: oneOf[uint8],
	reflect.Uint16: oneOf[uint16], reflect.Uint32: oneOf[uint32], reflect.Uint64: oneOf[uint64],
	reflect.Uintptr: oneOf[uintptr], reflect.Float32: oneOf[float32], reflect.Float64: oneOf[float64],
}

func boundCheck(t reflect.Type, cl class, name, text string) (check, error) {
	if cl != classInt && cl != classUint && cl != classFloat && cl != classDuration {
		return check{}, misfit(name, text, "numbers and durations")
	}
	ok := bounds[t.Kind()](setterOf(t, cl), text, name == "maximum")
	if ok == nil {
		return check{}, notA(name, text, "a value of its type")
	}
	must := "be at least " + text
	if name == "maximum" {
		must = "be at most " + text
	}
	return check{rule: name, must: must, ok: ok}, nil
}

func enumCheck(t reflect.Type, cl class, text string) (check, error) {
	if cl != classText && cl != classInt && cl != classUint && cl != classFloat && cl != classDuration {
		return check{}, misfit("enum", text, "text, numbers and durations")
	}
	texts := splitList(text)
	ok := enums[t.Kind()](setterOf(t, cl), texts)
	if ok == nil {
		return check{}, notA("enum", text, "a list of values of its type, separated by commas")
	}
	return check{rule: "enum", must: "be one of " + strings.Join(texts, ", "), ok: ok}, nil
}

func lengthCheck(cl class, name, text string) (check, error) {
	if cl != classText {
		return check{}, misfit(name, text, "text")
	}
	n, valid := count(text)
	if !valid {
		return check{}, notA(name, text, "a number of characters")
	}
	if name == "minLength" {
		return check{rule: name, must: "be at least " + plural(n, "character") + " long", ok: func(p unsafe.Pointer) bool {
			return utf8.RuneCountInString(*(*string)(p)) >= n
		}}, nil
	}
	return check{rule: name, must: "be at most " + plural(n, "character") + " long", ok: func(p unsafe.Pointer) bool {
		s := *(*string)(p)
		return len(s) <= n || utf8.RuneCountInString(s) <= n
	}}, nil
}

func patternCheck(cl class, text string) (check, error) {
	if cl != classText {
		return check{}, misfit("pattern", text, "text")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return check{}, notA("pattern", text, "a regular expression as package regexp knows them ("+err.Error()+")")
	}
	return check{rule: "pattern", must: "match the pattern " + text, ok: func(p unsafe.Pointer) bool {
		return re.MatchString(*(*string)(p))
	}}, nil
}

// formatCheck compiles a format. For a type that reads its own text it is a word for the documentation only.
func formatCheck(cl class, text string) (check, error) {
	f, known := formats[text]
	switch {
	case !known:
		return check{}, notA("format", text, "one of "+strings.Join(formatNames(), ", "))
	case cl == classCustom, cl == classTime && text == "date-time":
		return check{}, nil
	case cl != classText:
		return check{}, misfit("format", text, "text")
	}
	return check{rule: "format", must: "be " + f.article, ok: func(p unsafe.Pointer) bool { return f.ok(*(*string)(p)) }}, nil
}

func itemsCheck(cl class, name, text string) (check, error) {
	n, valid := count(text)
	if !valid {
		return check{}, notA(name, text, "a number of elements")
	}
	ck := check{rule: name}
	kind, unit := "a list", "item"
	switch cl {
	case classList, classFiles:
		ck.ok = func(p unsafe.Pointer) bool { return (*sliceHeader)(p).len >= n }
		if name == "maxItems" {
			ck.ok = func(p unsafe.Pointer) bool { return (*sliceHeader)(p).len <= n }
		}
	case classMap:
		kind, unit = "an object", "member"
		// The length of a map is read the same way whatever its values are.
		ck.ok = func(p unsafe.Pointer) bool { return len(*(*map[string]struct{})(p)) >= n }
		if name == "maxItems" {
			ck.ok = func(p unsafe.Pointer) bool { return len(*(*map[string]struct{})(p)) <= n }
		}
	default:
		return check{}, misfit(name, text, "lists and maps")
	}
	ck.must = "be " + kind + " of at least " + plural(n, unit)
	if name == "maxItems" {
		ck.must = "be " + kind + " of at most " + plural(n, unit)
	}
	return ck, nil
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}
