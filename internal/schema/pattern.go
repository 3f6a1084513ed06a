package schema

import (
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// scriptPattern returns a regular expression of JavaScript with the flag u, the dialect of JSON Schema, that matches the
// same texts as the expression text of package regexp. It is written from the syntax tree, because the two dialects write
// the same things differently: (?i), \s, \z, named groups, classes such as [[:alpha:]].
func scriptPattern(text string) string {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return text
	}
	var b strings.Builder
	writePattern(&b, tree)
	return b.String()
}

func writePattern(b *strings.Builder, re *syntax.Regexp) {
	if fixed, ok := fixedPatterns[re.Op]; ok {
		b.WriteString(fixed)
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && unicode.SimpleFold(r) != r {
				writeClass(b, folded(r))
				continue
			}
			writeRune(b, r, `^$\.*+?()[]{}|/`)
		}
	case syntax.OpCharClass:
		writeClass(b, re.Rune)
	case syntax.OpCapture:
		writeGroup(b, "(", re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if sub.Op == syntax.OpAlternate {
				writeGroup(b, "(?:", sub)
			} else {
				writePattern(b, sub)
			}
		}
	case syntax.OpAlternate:
		for i, sub := range re.Sub {
			if i > 0 {
				b.WriteByte('|')
			}
			writePattern(b, sub)
		}
	default: // a repetition
		writeRepeat(b, re)
	}
}

// fixedPatterns has the operators without operands. The assertion (?!) never holds.
var fixedPatterns = map[syntax.Op]string{
	syntax.OpNoMatch: `(?!)`, syntax.OpEmptyMatch: `(?:)`, syntax.OpAnyCharNotNL: `[^\n]`, syntax.OpAnyChar: `[^]`,
	syntax.OpBeginLine: `(?:^|(?<=\n))`, syntax.OpEndLine: `(?=\n|$)`, syntax.OpBeginText: `^`, syntax.OpEndText: `$`,
	syntax.OpWordBoundary: `\b`, syntax.OpNoWordBoundary: `\B`,
}

func writeGroup(b *strings.Builder, open string, re *syntax.Regexp) {
	b.WriteString(open)
	writePattern(b, re)
	b.WriteByte(')')
}

func writeRepeat(b *strings.Builder, re *syntax.Regexp) {
	sub := re.Sub[0]
	single := sub.Op == syntax.OpCharClass || sub.Op == syntax.OpCapture || sub.Op == syntax.OpAnyChar || sub.Op == syntax.OpAnyCharNotNL ||
		sub.Op == syntax.OpLiteral && len(sub.Rune) == 1
	if single {
		writePattern(b, sub)
	} else {
		writeGroup(b, "(?:", sub)
	}
	switch re.Op {
	case syntax.OpStar:
		b.WriteByte('*')
	case syntax.OpPlus:
		b.WriteByte('+')
	case syntax.OpQuest:
		b.WriteByte('?')
	default:
		b.WriteString("{" + strconv.Itoa(re.Min))
		if re.Max != re.Min {
			b.WriteByte(',')
			if re.Max >= 0 {
				b.WriteString(strconv.Itoa(re.Max))
			}
		}
		b.WriteByte('}')
	}
	if re.Flags&syntax.NonGreedy != 0 {
		b.WriteByte('?')
	}
}

// folded returns the class of all runes that differ from r in upper and lower case only.
func folded(r rune) (class []rune) {
	all := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		all = append(all, f)
	}
	slices.Sort(all)
	for _, f := range all {
		class = append(class, f, f)
	}
	return class
}

// writeClass writes a class of runes. A class with both the first and the last rune is written as the negation of the
// others.
func writeClass(b *strings.Builder, class []rune) {
	b.WriteByte('[')
	if len(class) > 2 && class[0] == 0 && class[len(class)-1] == unicode.MaxRune {
		b.WriteByte('^')
		var others []rune
		for i := 1; i+1 < len(class); i += 2 {
			others = append(others, class[i]+1, class[i+1]-1)
		}
		class = others
	}
	for i := 0; i+1 < len(class); i += 2 {
		writeRune(b, class[i], `\]^-[`)
		if class[i+1] > class[i]+1 {
			b.WriteByte('-')
		}
		if class[i+1] > class[i] {
			writeRune(b, class[i+1], `\]^-[`)
		}
	}
	b.WriteByte(']')
}

// writeRune writes a rune, with a backslash if it is one of special.
func writeRune(b *strings.Builder, r rune, special string) {
	switch {
	case r >= '\t' && r <= '\r':
		b.WriteString([...]string{`\t`, `\n`, `\v`, `\f`, `\r`}[r-'\t'])
	case r < ' ' || r == 0x7f || r > 0x7f && !unicode.IsPrint(r):
		b.WriteString(`\u{` + strconv.FormatInt(int64(r), 16) + `}`)
	case strings.ContainsRune(special, r):
		b.WriteString(`\` + string(r))
	default:
		b.WriteRune(r)
	}
}
