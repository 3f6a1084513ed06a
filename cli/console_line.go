package cli

import (
	"fmt"
	"strings"
)

// splitLine splits a line into words, as a shell does with quotes and backslashes, but without all else of a shell. It
// returns an error if a quote is not closed.
func splitLine(line string) (words []string, err error) {
	words, rest, _ := cutLine([]rune(line))
	if rest.quote != 0 {
		return nil, fmt.Errorf("a quote %c is not closed", rest.quote)
	}
	if rest.begun {
		words = append(words, rest.text)
	}
	return words, nil
}

// lastWord is the word at the end of a line, which may go on.
type lastWord struct {
	text  string
	begun bool
	quote rune // 0: it is not within quotes
}

// cutLine splits a line into its words and the last word. start is the index at which the last word begins.
func cutLine(line []rune) (words []string, last lastWord, start int) {
	var word strings.Builder
	start = len(line)
	begin := func(i int) {
		if !last.begun {
			last.begun, start = true, i
		}
	}
	for i := 0; i < len(line); i++ {
		r := line[i]
		switch {
		case r == '\\' && last.quote != '\'' && i+1 < len(line):
			begin(i)
			i++
			word.WriteRune(line[i])
		case last.quote != 0 && r == last.quote:
			last.quote = 0
		case last.quote == 0 && (r == '\'' || r == '"'):
			begin(i)
			last.quote = r
		case last.quote == 0 && (r == ' ' || r == '\t'):
			if last.begun {
				words = append(words, word.String())
			}
			word.Reset()
			last.begun, start = false, len(line)
		default:
			begin(i)
			word.WriteRune(r)
		}
	}
	last.text = word.String()
	return words, last, start
}

// escapeWord writes a word so that splitLine reads it again as one word. It puts a backslash in front of each special
// character, and no quotes around the word, so that words with a common beginning have it in this form, too.
func escapeWord(word string) string {
	if word == "" {
		return `""`
	}
	var b strings.Builder
	for i, r := range word {
		if strings.ContainsRune(" \t\\'\"", r) || i == 0 && r == '#' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
