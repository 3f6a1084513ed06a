package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// checkLinks returns an error for each link of a page that leads to no file, or to no heading of its page.
func (s *Site) checkLinks(p *Page, pages map[string]*Page) (problems []error) {
	for _, l := range p.links {
		if strings.Contains(l.target, "://") || strings.HasPrefix(l.target, "mailto:") {
			continue
		}
		file, anchor, _ := strings.Cut(l.target, "#")
		if file = path.Join(path.Dir(p.Source), file); l.target[0] == '#' {
			file = p.Source
		}
		to := pages[file]
		if l.target[0] == '#' && p.anchors[anchor] {
			to = p
		}
		if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(file))); err != nil && to == nil {
			problems = append(problems, fmt.Errorf("%s:%d: the link %s leads to no file", p.Source, l.line, l.target))
			continue
		}
		if s.parts[file+"#"+anchor] != nil {
			continue
		}
		if anchor != "" && (to == nil || !to.anchors[anchor]) {
			problems = append(problems, fmt.Errorf("%s:%d: the link %s leads to no heading", p.Source, l.line, l.target))
		}
	}
	return problems
}
