package main

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitSource is the document that is too long for one page. Each of its parts, which begin with a heading of the second
// level, is a page below the page of the document.
const splitSource = "docs/guide.md"

// part is a piece of the split document.
type part struct {
	title, anchor string
	text          string
	line          int      // the lines before it in the document
	anchors       []string // of its headings
	titles        []string // of its headings
}

// headingLine is a heading of the second or third level.
var headingLine = regexp.MustCompile(`^(##|###) (.+)\n`)

// split returns the text above the first part, and the parts. The headings of a part are raised by one level.
func split(text string) (intro string, parts []part) {
	ids, fenced, n := &githubIDs{used: map[string]bool{}}, false, 0
	for line := range strings.Lines(text) {
		n++
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		m := headingLine.FindStringSubmatch(line)
		if fenced || m == nil {
			m = []string{"", "", ""}
		}
		title := strings.ReplaceAll(m[2], "`", "")
		switch m[1] {
		case "##":
			parts = append(parts, part{title: title, anchor: string(ids.Generate([]byte(title), 0)), line: n - 1})
			line = line[1:]
		case "###":
			last := &parts[len(parts)-1]
			last.titles, last.anchors = append(last.titles, title), append(last.anchors, string(ids.Generate([]byte(title), 0)))
			line = line[1:]
		}
		if len(parts) == 0 {
			intro += line
		} else {
			parts[len(parts)-1].text += line
		}
	}
	return intro, parts
}

// addParts adds a page for each part of the split document, and gives the document a text with links to them.
func (s *Site) addParts(whole *Page) {
	intro, parts := split(whole.text)
	whole.text = intro
	for _, p := range parts {
		page := &Page{Source: splitSource, Path: path.Join("guide", p.anchor+".html"), Label: p.title, Above: whole, text: p.text, line: p.line}
		whole.Parts = append(whole.Parts, page)
		for _, anchor := range append(p.anchors, p.anchor) {
			s.parts[splitSource+"#"+anchor] = page
		}
		link := path.Base(splitSource) + "#"
		whole.text += fmt.Sprintf("\n## [%s](%s%s)\n\n%s\n", p.title, link, p.anchor, firstSentence(p.text))
		for i, anchor := range p.anchors {
			whole.text += fmt.Sprintf("\n- [%s](%s%s)", p.titles[i], link, anchor)
		}
		whole.text += "\n"
	}
}

// firstSentence returns the first sentence of the first paragraph of a part that begins with a capital letter.
func firstSentence(text string) string {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if first, _ := utf8.DecodeRuneInString(paragraph); unicode.IsUpper(first) {
			sentence, _, _ := strings.Cut(strings.ReplaceAll(paragraph, "\n", " ")+" ", ". ")
			return strings.TrimRight(sentence, ".: ") + "."
		}
	}
	return ""
}
