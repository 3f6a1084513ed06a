// Package docrun reads the code blocks of the documents and runs them, for tests that compare a document with the
// program. A block begins with a fence, whose first word is the kind of the block; the other words are for the tests.
package docrun

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Block is a fenced block of a document.
type Block struct {
	File string // the document
	Line int    // the line of the first fence
	Kind string // the first word after the fence, such as sh or go
	Info string // the other words after the fence
	Text string // the lines between the fences, each with its line end
	Note string // the text of a comment right above the block, which readers do not see
}

var (
	fenced  = regexp.MustCompile("(?ms)^```(\\S*)(?: ([^\n]+))?\n(.*?)^```$")
	comment = regexp.MustCompile(`(?s)<!--((?:[^-]|-[^-])*)-->\n$`)
)

// Blocks returns the fenced blocks of a document. A document without blocks ends the test.
func Blocks(t testing.TB, file string) (blocks []Block) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if blocks = blocksOf(file, string(source)); len(blocks) == 0 {
		t.Fatalf("%s has no block", file)
	}
	return blocks
}

func blocksOf(file, source string) (blocks []Block) {
	for _, at := range fenced.FindAllStringSubmatchIndex(source, -1) {
		b := Block{File: file, Line: 1 + strings.Count(source[:at[0]], "\n"), Kind: source[at[2]:at[3]], Text: source[at[6]:at[7]]}
		if at[4] >= 0 {
			b.Info = source[at[4]:at[5]]
		}
		if m := comment.FindStringSubmatch(source[:at[0]]); m != nil {
			b.Note = strings.TrimSpace(m[1])
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// Matches reports whether a text is what a document shows. In the document, … stands for anything but a line end.
func Matches(shown, text string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(shown), "…", ".+")
	return regexp.MustCompile("^" + pattern + "$").MatchString(text)
}

// matchesLines is like [Matches] for several lines. A line … alone stands for any number of lines.
func matchesLines(shown, text string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(shown) {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*`)
		} else {
			pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSuffix(line, "\n")), "…", ".+") + `\n`)
		}
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(text)
}
