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
		to := p
		if file != "" {
			file = path.Join(path.Dir(p.Source), file)
			if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(file))); err != nil {
				problems = append(problems, fmt.Errorf("%s:%d: the link %s leads to no file", p.Source, l.line, l.target))
				continue
			}
			to = pages[file]
		}
		if to != nil && to.Source == splitSource && s.parts[anchor] != nil {
			to = s.parts[anchor]
		}
		if anchor != "" && (to == nil || !to.anchors[anchor]) {
			problems = append(problems, fmt.Errorf("%s:%d: the link %s leads to no heading", p.Source, l.line, l.target))
		}
	}
	return problems
}
