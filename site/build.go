package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// repository is the address of files that are no pages of the site.
const repository = "https://github.com/actionhero-go/actionhero/blob/main/"

// contents is the document whose lists are the navigation.
const contents = "docs/README.md"

// Site is the rendered site.
type Site struct {
	Pages  []*Page // in the order of the navigation
	Groups []*Group
	root   string
	parts  map[string]*Page // of split documents, by document#anchor
}

// Group is a part of the navigation.
type Group struct {
	Title string
	Pages []*Page
	Folds bool // whether the group is closed at first
}

// Page is one document.
type Page struct {
	Source   string // the path of the document in the repository
	Path     string // the path of the page in the site
	Title    string
	Label    string  // the name in the navigation
	Above    *Page   // the page of the split document that this page is a part of
	Parts    []*Page // of the split document
	HTML     string
	Wide     bool // whether a table has so many columns that it takes the place of the list of headings
	Sections []Section
	anchors  map[string]bool
	links    []link
	text     string // Markdown
	line     int    // the lines of the document before text
}

// Section is the part of a page below one heading.
type Section struct {
	Level  int
	Anchor string // empty for the text above the first heading
	Title  string
	Text   string // without markup, for the search
}

// link is a link of a document, as it is written there.
type link struct {
	target string
	line   int
}

// Up is the prefix of a relative link from the page to the root of the site.
func (p *Page) Up() string { return strings.Repeat("../", strings.Count(p.Path, "/")) }

// Build reads and renders all documents, and those of extra, whose texts it has by their names. The error names every
// link that leads nowhere.
func Build(root string, extra map[string]string) (*Site, error) {
	s := &Site{root: root, parts: map[string]*Page{}}
	sources, err := documents(root)
	if err != nil {
		return nil, err
	}
	sources = slices.AppendSeq(sources, maps.Keys(extra))
	pages := map[string]*Page{}
	for _, source := range sources {
		pages[source] = &Page{Source: source, Path: pagePath(source)}
	}
	for _, source := range sources {
		text, isExtra := extra[source]
		if !isExtra {
			file, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(source)))
			if err != nil {
				return nil, err
			}
			text = string(file)
		}
		pages[source].text = text
	}
	if whole := pages[splitSource]; whole != nil {
		s.addParts(whole)
	}
	if err := s.addWire(pages); err != nil {
		return nil, err
	}
	var all []*Page
	for _, p := range pages {
		all = append(append(all, p), p.Parts...)
	}
	for _, p := range all {
		if err := s.render(p, pages); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Source, err)
		}
	}
	if err := s.arrange(pages); err != nil {
		return nil, err
	}
	var problems []error
	slices.SortFunc(all, func(a, b *Page) int { return cmp.Or(cmp.Compare(a.Source, b.Source), a.line-b.line) })
	for _, p := range all {
		problems = append(problems, s.checkLinks(p, pages)...)
	}
	return s, errors.Join(problems...)
}

// documents lists the documents that become pages.
func documents(root string) (found []string, err error) {
	found = []string{"README.md", "CHANGELOG.md"}
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".md" {
			return err
		}
		rel, err := filepath.Rel(root, name)
		found = append(found, filepath.ToSlash(rel))
		return err
	})
	return found, err
}

// pagePath returns the path of the page of a document: index.html is the README, and documents of docs/ are at the top.
func pagePath(source string) string {
	switch source {
	case "README.md":
		return "index.html"
	case contents:
		return "contents.html"
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(source, "docs/"), ".md")) + ".html"
}

// arrange makes the groups of the navigation from the lists of the contents.
func (s *Site) arrange(pages map[string]*Page) error {
	home := pages["README.md"]
	home.Label = "actionHero for Go"
	s.Pages = []*Page{home}
	listed := map[*Page]bool{home: true, pages[contents]: true}
	group := &Group{Title: pages[contents].Title}
	text, err := os.ReadFile(filepath.Join(s.root, contents))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			group = s.close(group, strings.TrimSpace(title))
		}
		label, target := firstLink(line)
		if p := pages[path.Join("docs", target)]; p != nil && !listed[p] {
			p.Label, listed[p] = label, true
			group.Pages = append(group.Pages, p)
		}
	}
	s.close(group, "")
	s.addRest(pages, listed)
	for _, g := range s.Groups {
		for _, p := range g.Pages {
			s.Pages = append(append(s.Pages, p), p.Parts...)
		}
	}
	s.Pages = append(s.Pages, pages[contents])
	pages[contents].Label = pages[contents].Title
	return nil
}

// addRest adds the pages that the contents do not list.
func (s *Site) addRest(pages map[string]*Page, listed map[*Page]bool) {
	more, decisions := &Group{Title: "More"}, &Group{Title: "Decisions", Folds: true}
	for _, source := range slices.Sorted(maps.Keys(pages)) {
		p := pages[source]
		if listed[p] {
			continue
		}
		p.Label = p.Title
		reference := slices.IndexFunc(s.Groups, func(g *Group) bool { return g.Title == "Reference" })
		switch {
		case strings.HasPrefix(source, "docs/decisions/"):
			decisions.Pages = append(decisions.Pages, p)
		case (source == commandsSource || source == wireSource) && reference >= 0:
			s.Groups[reference].Pages = append(s.Groups[reference].Pages, p)
		default:
			more.Pages = append(more.Pages, p)
		}
	}
	s.close(more, "")
	s.close(decisions, "")
}

// close adds a group to the navigation, unless it is empty, and returns the next one.
func (s *Site) close(g *Group, next string) *Group {
	if len(g.Pages) > 0 {
		s.Groups = append(s.Groups, g)
	}
	return &Group{Title: next}
}

// firstLink returns the text and the target of the link with which an item of a list begins.
func firstLink(line string) (label, target string) {
	rest, ok := strings.CutPrefix(line, "- [")
	label, rest, found := strings.Cut(rest, "](")
	target, _, closed := strings.Cut(rest, ")")
	if !ok || !found || !closed {
		return "", ""
	}
	return label, target
}

// Next returns the pages before and after a page in the navigation; nil if there is none.
func (s *Site) Next(p *Page) (before, after *Page) {
	i := slices.Index(s.Pages, p)
	if i > 0 {
		before = s.Pages[i-1]
	}
	if i+1 < len(s.Pages) {
		after = s.Pages[i+1]
	}
	return before, after
}
